import { InvalidArgumentError } from '../errors.js';
import { describe } from '../validate.js';
import type { LabelNeeds } from './label-needs.js';

/** What a loss wants of a dataset. */
export interface ColumnNeeds {
  /** Roles of the text columns, in the order of these. */
  readonly texts: readonly string[];
  /** Role of every text column after those; absent where there may be none. */
  readonly furtherTexts?: string;
  /** Absent for a loss that reads no label. */
  readonly label?: LabelNeeds;
  /** Rows from which there is something to learn, where one is too few. */
  readonly minimumRows?: number;
}

/** A column and what it is to the loss. */
export interface ColumnRole {
  readonly name: string;
  readonly role: string;
}

/** Which columns of a dataset a loss takes. */
export interface ColumnLayout {
  /** In the order of their roles. */
  readonly texts: readonly ColumnRole[];
  /** The column that holds the label, where the loss wants one. */
  readonly label?: string;
  readonly unused: readonly string[];
}

/** Columns that hold a label rather than a text: the first that there is. */
export const labelNames = ['label', 'labels', 'score', 'scores'];

/** What names a row rather than says something: `id`, `_id`, `query-id`, `passageId`, `qid`, the index of a data frame. */
const identifierPatterns = [
  /^_*(?:id|idx|index|uuid|guid|qid|pid|docid|cid)$/i,
  /[-_ ](?:id|idx|uuid|guid)$/i,
  /[a-z](?:Id|ID|Uuid|UUID)$/,
  /^(?:unnamed: \d+)?$/i,
];

/**
 * Gives the columns their roles. The order of the text columns decides, not their names, as in Sentence Transformers;
 * a column that can be neither a text nor a label is refused, since whatever role it got would spoil the training.
 *
 * @param option - The dataset's name in errors.
 * @param sample - The names of the columns, each with a value that it holds.
 * @throws InvalidArgumentError naming the column.
 */
export function layOutColumns(
  option: string,
  needs: ColumnNeeds,
  sample: readonly (readonly [name: string, value: unknown])[],
): ColumnLayout {
  const label = labelNames.find((name) => sample.some(([column]) => column === name));
  const unused: string[] = [];
  const texts: ColumnRole[] = [];
  for (const [name, value] of sample) {
    const isText = typeof value === 'string' || value === null || value === undefined;
    if (name === label) {
      if (needs.label === undefined) unused.push(name);
    } else if (!isText && labelNames.includes(name)) {
      unused.push(name);
    } else {
      const role = roleOf(needs, texts.length);
      if (!isText) throw misfit(option, needs, name, `holds ${describe(value)}, which is no text`);
      if (isIdentifier(name)) throw misfit(option, needs, name, `would be the ${role ?? 'next text'}, but names rows`);
      if (role === undefined) unused.push(name);
      else texts.push({ name, role });
    }
  }
  if (texts.length < needs.texts.length) throw tooFew(option, needs, sample, texts);
  return { texts, unused, ...(needs.label !== undefined && label !== undefined && { label }) };
}

function tooFew(
  option: string,
  needs: ColumnNeeds,
  sample: readonly (readonly [name: string, value: unknown])[],
  texts: readonly ColumnRole[],
): InvalidArgumentError {
  const names = (texts.length > 0 ? texts.map(({ name }) => name) : sample.map(([name]) => name)).join(', ');
  const found = sample.length === 0 ? 'no columns' : `only ${names}`;
  const wanted = needs.texts.length === 1 ? 'at least one text column' : `text columns for ${needs.texts.join(', ')}`;
  return new InvalidArgumentError(`expected ${wanted} in ${option} but found ${found}`);
}

function isIdentifier(name: string): boolean {
  return identifierPatterns.some((pattern) => pattern.test(name));
}

function roleOf({ texts, furtherTexts }: ColumnNeeds, place: number): string | undefined {
  if (place < texts.length || furtherTexts === undefined) return texts[place];
  return `${furtherTexts}_${place - texts.length + 1}`;
}

function misfit(option: string, needs: ColumnNeeds, name: string, why: string): InvalidArgumentError {
  const roles = [...needs.texts, ...(needs.furtherTexts === undefined ? [] : [`${needs.furtherTexts}s`])];
  const labels = needs.label !== undefined ? `, and a number as label (${labelNames.join(', ')})` : '';
  return new InvalidArgumentError(
    `no role fits the column ${JSON.stringify(name)} of ${option}: it ${why}. The loss takes texts as ` +
      `${roles.join(', ')}${labels}. Leave the column out (readDatasetFile(file, { columns: [...] }) for a file), ` +
      'or rename it if it holds texts',
  );
}
