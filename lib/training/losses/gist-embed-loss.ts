import { boolean, finiteNumber, oneOf } from '../../validate.js';
import type { NativeLoss, NativeObjective } from '../../native/index.js';
import type { ColumnNeeds } from '../columns.js';
import { checkGuide, type Guide } from '../guides.js';
import { lossOf, type Loss } from './loss.js';
import { checkLossOptions } from './loss-options.js';

export interface GISTEmbedLossOptions {
  /** Divides the cosines. Default: 0.01. */
  readonly temperature?: number;
  /**
   * From which of the guide's cosines on a text is no negative: `absolute` (default): above the positive's - `margin`;
   * `relative`: above the positive's - `margin` · its absolute value.
   */
  readonly marginStrategy?: 'absolute' | 'relative';
  /** Default: 0. */
  readonly margin?: number;
  /** Whether the other anchors are negatives of an anchor. Default: true. */
  readonly contrastAnchors?: boolean;
  /** Whether the positives of other rows are negatives of a row's positive. Default: true. */
  readonly contrastPositives?: boolean;
}

/**
 * `MultipleNegativesRankingLoss` without the false negatives that a guide, another model, knows (Solatorio 2024, GISTEmbed,
 * arXiv:2402.16829): cross-entropy of ranking each anchor's positive above the other positives and the negatives of the
 * batch, the other anchors and, for the positive, the other positives, of which those are left out that the guide finds
 * more alike than the anchor and its positive. The columns are anchor, positive, and any number of negatives.
 *
 * The guide's embeddings are made once, while the dataset is read, and are kept for the whole run: 4 bytes a number.
 */
export class GISTEmbedLoss implements Loss {
  readonly name: string = 'GISTEmbedLoss';
  readonly needs: ColumnNeeds = { texts: ['anchor', 'positive'], furtherTexts: 'negative', minimumRows: 2 };
  readonly guides: readonly Guide[];
  readonly #objective: NativeObjective;

  /**
   * @param guide - What has an `encode`: a `SentenceTransformer`, or a function of your own around another model.
   * @throws InvalidArgumentError naming the option.
   */
  constructor(guide: Guide, options: GISTEmbedLossOptions = {}) {
    this.guides = [checkGuide(guide)];
    checkLossOptions(new.target.name, options, [
      'temperature',
      'marginStrategy',
      'margin',
      'contrastAnchors',
      'contrastPositives',
    ]);
    this.#objective = {
      kind: 'gist_embed',
      temperature: finiteNumber('temperature', options.temperature ?? 0.01, { above: 0 }),
      marginStrategy: oneOf('marginStrategy', options.marginStrategy ?? 'absolute', ['absolute', 'relative']),
      margin: finiteNumber('margin', options.margin ?? 0),
      contrastAnchors: boolean('contrastAnchors', options.contrastAnchors ?? true),
      contrastPositives: boolean('contrastPositives', options.contrastPositives ?? true),
    };
  }

  lower(): NativeLoss {
    return lossOf(this.#objective);
  }
}
