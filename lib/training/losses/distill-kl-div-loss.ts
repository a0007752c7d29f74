import { finiteNumber } from '../../validate.js';
import { scoresLabel } from '../label-needs.js';
import { checkLossOptions, dotOrCosine } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface DistillKLDivLossOptions {
  /** Of a query and a candidate. Default: `dot`. */
  readonly similarity?: 'cosine' | 'dot';
  /** Divides the scores of both sides. Default: 1. */
  readonly temperature?: number;
  /** Divides the model's scores. Default: `temperature`. */
  readonly studentTemperature?: number;
  /** Divides the teacher's scores. Default: `temperature`. */
  readonly teacherTemperature?: number;
}

/**
 * `t² · mean over rows of sum of p · log(p / q)`: over the candidates of a query, the softmax q of the model's scores at
 * its temperature t shall be the softmax p of a teacher's (Lin, Yang and Lin 2020, arXiv:2010.11386). The columns are a
 * query and two candidates or more; the label has the teacher's scores, one a candidate.
 */
export class DistillKLDivLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: DistillKLDivLossOptions = {}) {
    checkLossOptions('DistillKLDivLoss', options, [
      'similarity',
      'temperature',
      'studentTemperature',
      'teacherTemperature',
    ]);
    const temperature = finiteNumber('temperature', options.temperature ?? 1, { above: 0 });
    const orOwn = (name: 'studentTemperature' | 'teacherTemperature'): number =>
      finiteNumber(name, options[name] ?? temperature, { above: 0 });
    super(
      'DistillKLDivLoss',
      { texts: ['query', 'positive', 'negative'], furtherTexts: 'negative', label: scoresLabel },
      {
        kind: 'distill_kl_div',
        similarity: dotOrCosine(options.similarity, 'dot'),
        studentTemperature: orOwn('studentTemperature'),
        teacherTemperature: orOwn('teacherTemperature'),
      },
    );
  }
}
