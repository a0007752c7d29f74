import { InvalidArgumentError } from '../errors.js';
import type { ColumnNeeds } from './columns.js';
import type { LabelNeeds } from './label-needs.js';

/** What a loss wants of a dataset, and its name in errors. */
interface NamedNeeds {
  readonly name: string;
  readonly needs: ColumnNeeds;
}

/**
 * What losses want that share a dataset: the roles of the one that wants the most texts, and a label that fits all which
 * read it.
 *
 * @throws InvalidArgumentError naming two losses that no dataset fits.
 */
export function joinNeeds(losses: readonly NamedNeeds[]): ColumnNeeds {
  const [first, ...others] = losses;
  const most = others.reduce((a, b) => (b.needs.texts.length > (a?.needs.texts.length ?? 0) ? b : a), first);
  if (most === undefined) return { texts: [] };
  const { texts } = most.needs;
  const bounded = losses.filter(({ needs }) => needs.furtherTexts === undefined);
  const tooFew = bounded.find(({ needs }) => needs.texts.length < texts.length);
  if (tooFew !== undefined) {
    throw new InvalidArgumentError(
      `expected losses of the same columns for losses but received ${tooFew.name}, which takes ` +
        `${tooFew.needs.texts.join(', ')}, and ${most.name}, which takes ${texts.join(', ')}`,
    );
  }
  const label = joinLabels(losses.flatMap(({ needs }) => needs.label ?? []));
  const { furtherTexts } = most.needs;
  return {
    texts,
    minimumRows: Math.max(...losses.map(({ needs }) => needs.minimumRows ?? 1)),
    ...(bounded.length === 0 && furtherTexts !== undefined && { furtherTexts }),
    ...(label !== undefined && { label }),
  };
}

function joinLabels(labels: readonly LabelNeeds[]): LabelNeeds | undefined {
  if (labels.length < 2) return labels[0];
  return {
    expected: [...new Set(labels.map(({ expected }) => expected))].join(' and '),
    accepts: (value) => labels.every((label) => label.accepts(value)),
    misfit(shape, texts, dim) {
      const misfits = labels.map((label) => label.misfit(shape, texts, dim));
      return misfits.find((misfit) => misfit !== undefined);
    },
    isOptional: (texts) => labels.every((label) => label.isOptional?.(texts) === true),
  };
}
