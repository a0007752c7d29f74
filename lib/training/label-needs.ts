/** What each row of a label column holds. A plain number is one vector of width 1. */
export interface LabelShape {
  /** 1, unless there is one a text column. */
  readonly vectors: number;
  /** Numbers in each of them. */
  readonly width: number;
}

/** What a loss wants of the labels. */
export interface LabelNeeds {
  /** What each number is, in errors. */
  readonly expected: string;
  accepts(value: number): boolean;
  /**
   * @param texts - Text columns of the dataset.
   * @param dim - Width of the model.
   * @returns What is expected instead of a label of that shape, or undefined where it fits.
   */
  misfit(shape: LabelShape, texts: number, dim: number): string | undefined;
  /** Whether a dataset with that many text columns may do without; absent: none may. */
  isOptional?(texts: number): boolean;
}

/** Labels are float32, which holds every integer up to here. */
const greatestClass = 2 ** 24;

const plainNumber = ({ vectors, width }: LabelShape): string | undefined =>
  vectors === 1 && width === 1 ? undefined : 'a plain number';

/** How alike the two texts of a row are. */
export const similarityLabel: LabelNeeds = {
  expected: 'a finite number',
  accepts: Number.isFinite,
  misfit: plainNumber,
};

/** Whether the two texts of a row belong together. */
export const binaryLabel: LabelNeeds = {
  expected: '0 or 1',
  accepts: (value) => value === 0 || value === 1,
  misfit: plainNumber,
};

/** Texts of one class belong together. */
export const classLabel: LabelNeeds = {
  expected: `a class (an integer of at most ${greatestClass})`,
  accepts: (value) => Number.isInteger(value) && Math.abs(value) <= greatestClass,
  misfit: plainNumber,
};

/** A teacher's scores of the candidates (the texts after the first), or how far the first is above each other. */
export const marginLabel: LabelNeeds = {
  expected: 'a finite number',
  accepts: Number.isFinite,
  misfit({ vectors, width }, texts) {
    const [margins, scores] = [texts - 2, texts - 1];
    if (vectors === 1 && (width === margins || width === scores)) return undefined;
    return `${margins === 1 ? 'a number (the margin' : `${margins} numbers (the margins`}) or ${scores} (the scores)`;
  },
};

/** A teacher's scores of the candidates, the texts after the first. */
export const scoresLabel: LabelNeeds = {
  expected: 'a finite number',
  accepts: Number.isFinite,
  misfit({ vectors, width }, texts) {
    return vectors === 1 && width === texts - 1 ? undefined : `${texts - 1} scores, one a candidate`;
  },
};

/**
 * A teacher's embedding: one for all texts of a row, or one a text.
 *
 * @param teacherDim - Its width, where it is not the model's.
 */
export function teacherLabel(teacherDim?: number): LabelNeeds {
  return {
    expected: 'a finite number',
    accepts: Number.isFinite,
    misfit({ vectors, width }, texts, dim) {
      const expected = teacherDim ?? dim;
      if ((vectors === 1 || vectors === texts) && width === expected) return undefined;
      const each = texts > 1 ? ', or an array of one for each text' : '';
      return `a vector of ${expected} numbers, ${teacherDim === undefined ? "the model's width" : 'projectionDim'}${each}`;
    },
  };
}
