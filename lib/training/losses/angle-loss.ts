import { finiteNumber } from '../../validate.js';
import { similarityLabel } from '../label-needs.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface AnglELossOptions {
  /** Multiplies the similarities (the inverse of a temperature). Default: 20. */
  readonly scale?: number;
}

/**
 * `CoSENTLoss` with another similarity, whose gradient does not vanish where a cosine nears 1 or -1: the halves of an
 * embedding are the real and the imaginary parts of complex numbers, and s is the absolute sum of all parts of u / v,
 * divided by |u| / |v| (Li and Li 2024, AoE, doi:10.18653/v1/2024.acl-long.101).
 *
 * Beside two texts a label is needed. Further texts are negatives: each of them pairs with the anchor under 1 - label,
 * and no label counts as 1.
 */
export class AnglELoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: AnglELossOptions = {}) {
    checkLossOptions('AnglELoss', options, ['scale']);
    super(
      'AnglELoss',
      {
        texts: ['anchor', 'positive'],
        furtherTexts: 'negative',
        label: { ...similarityLabel, isOptional: (texts) => texts > 2 },
      },
      { kind: 'cosent', similarity: 'angle', scale: finiteNumber('scale', options.scale ?? 20, { above: 0 }) },
    );
  }
}
