import { finiteNumber } from '../../validate.js';
import { similarityLabel } from '../label-needs.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface CoSENTLossOptions {
  /** Multiplies the similarities (the inverse of a temperature). Default: 20. */
  readonly scale?: number;
}

/**
 * `log(1 + sum of exp(scale · (s(i) - s(j))))` over all rows i, j of a batch of which i has the lower label, with s the
 * cosine of a row's two texts: rows shall be ranked as their labels are (Huang et al. 2024, CoSENT,
 * doi:10.1109/TASLP.2024.3402087). A step takes time in proportion to the rows, not to their pairs.
 */
export class CoSENTLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: CoSENTLossOptions = {}) {
    checkLossOptions('CoSENTLoss', options, ['scale'], {
      similarityFct: 'AnglELoss is the one with another similarity',
    });
    super(
      'CoSENTLoss',
      { texts: ['sentence1', 'sentence2'], label: similarityLabel },
      { kind: 'cosent', similarity: 'cosine', scale: finiteNumber('scale', options.scale ?? 20, { above: 0 }) },
    );
  }
}
