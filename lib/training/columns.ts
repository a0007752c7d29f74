import { InvalidArgumentError } from '../errors.js';
import { describe } from '../validate.js';
import type { LabelNeeds } from './label-needs.js';

/** What a loss wants of a dataset. */
export interface ColumnNeeds {
  /** Roles of the text columns, in the order of these. */
  readonly texts: readonly string[];
  /** Role of every text column after those; absent where there may be none. */
  readonly furtherTexts?: string;
  /** Absent for a loss that takes no label. */
  readonly label?: LabelNeeds;
  /** Rows of a batch from which there is something to learn. Default: 1. */
  readonly minimumRows?: number;
}

/** Who takes a dataset: a loss, by its name in errors. */
export interface ColumnTaker {
  readonly name: string;
  readonly needs: ColumnNeeds;
}

/** A column and what it is to the loss. */
export interface ColumnRole {
  readonly name: string;
  readonly role: string;
}

/** The columns of a dataset. */
export interface ColumnLayout {
  /** In the order of their roles. */
  readonly texts: readonly ColumnRole[];
  /** The column that holds the label, where there is one. */
  readonly label?: string;
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

/** The names of the columns of a dataset, each with a value that it holds. */
type Sample = readonly (readonly [name: string, value: unknown])[];

/**
 * Gives the columns their roles. The order of the text columns decides, not their names, as in Sentence Transformers. A
 * dataset with other columns than `taker` needs is refused: whatever role one too many got would spoil the training, and
 * a label that nobody reads was meant for another loss.
 *
 * @param option - The dataset's name in errors.
 * @throws InvalidArgumentError naming the column.
 */
export function layOutColumns(option: string, taker: ColumnTaker, sample: Sample): ColumnLayout {
  const { needs } = taker;
  const label = labelNames.find((name) => sample.some(([column]) => column === name));
  const texts: ColumnRole[] = [];
  for (const [name, value] of sample) {
    if (name === label) continue;
    const role = roleOf(needs, texts.length);
    const why = whyNoText(name, value, role, label);
    if (why !== undefined || role === undefined) throw misfit(option, taker, name, why ?? 'is one text too many');
    texts.push({ name, role });
  }
  if (texts.length < needs.texts.length) throw tooFew(option, taker, sample, texts);
  if (label !== undefined && needs.label === undefined) throw misfit(option, taker, label, 'is a label by its name');
  if (label !== undefined) return { texts, label };
  if (needs.label === undefined || needs.label.isOptional?.(texts.length) === true) return { texts };
  throw noLabel(option, taker, needs.label, texts);
}

function whyNoText(
  name: string,
  value: unknown,
  role: string | undefined,
  label: string | undefined,
): string | undefined {
  const isText = typeof value === 'string' || value === null || value === undefined;
  if (!isText && labelNames.includes(name)) return `is a label besides ${label}`;
  if (!isText) return `holds ${describe(value)}, which is no text`;
  return isIdentifier(name) ? `would be the ${role ?? 'next text'}, but names rows` : undefined;
}

function isIdentifier(name: string): boolean {
  return identifierPatterns.some((pattern) => pattern.test(name));
}

function roleOf({ texts, furtherTexts }: ColumnNeeds, place: number): string | undefined {
  if (place < texts.length || furtherTexts === undefined) return texts[place];
  return `${furtherTexts}_${place - texts.length + 1}`;
}

function tooFew(
  option: string,
  { name, needs }: ColumnTaker,
  sample: Sample,
  texts: readonly ColumnRole[],
): InvalidArgumentError {
  const names = (texts.length > 0 ? texts : sample.map(([column]) => ({ name: column }))).map((column) => column.name);
  const found = names.length === 0 ? 'no columns' : `only ${names.join(', ')}`;
  const wanted = needs.texts.length === 1 ? 'at least one text column' : `text columns for ${needs.texts.join(', ')}`;
  return new InvalidArgumentError(`expected ${wanted} in ${option}, as ${name} takes them, but found ${found}`);
}

function noLabel(
  option: string,
  { name }: ColumnTaker,
  { expected }: LabelNeeds,
  texts: readonly ColumnRole[],
): InvalidArgumentError {
  return new InvalidArgumentError(
    `expected a column ${labelNames.slice(0, -1).join(', ')} or ${labelNames.at(-1)} in ${option}, where ${name} finds its label ` +
      `(${expected}), but found only ${texts.map((column) => column.name).join(', ')}`,
  );
}

function misfit(option: string, { name, needs }: ColumnTaker, column: string, why: string): InvalidArgumentError {
  const roles = [...needs.texts, ...(needs.furtherTexts === undefined ? [] : [`${needs.furtherTexts}s`])].join(', ');
  const label = needs.label === undefined ? 'no label' : `a label (${labelNames.join(', ')}): ${needs.label.expected}`;
  return new InvalidArgumentError(
    `no role fits the column ${JSON.stringify(column)} of ${option}: it ${why}. ${name} takes texts as ${roles}, and ` +
      `${label}. Leave the column out (readDatasetFile(file, { columns: [...] }) for a file), take another loss, or ` +
      'rename the column if it holds texts',
  );
}
