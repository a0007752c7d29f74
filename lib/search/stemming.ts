/** Gives the stem of a word in lower case. */
export type Stemmer = (word: string) => string;

/** Words whose stems are kept: most texts are made of far fewer. */
const mostKept = 1 << 20;

/**
 * The words of a text as the addon finds them (runs of at least two letters, marks, digits and underscores, in lower
 * case), without stop words, by their stems. Each word is stemmed once.
 */
export function stemmingAnalyzer(stemmer: Stemmer, stopWords: readonly string[]): (text: string) => unknown[] {
  const left = new Set(stopWords);
  const stems = new Map<string, unknown>();
  const stemOf = (word: string): unknown => {
    const known = stems.get(word);
    if (known !== undefined) return known;
    const stem: unknown = stemmer(word);
    if (stems.size === mostKept) stems.clear();
    stems.set(word, stem);
    return stem;
  };
  return (text) => {
    const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]{2,}/gu) ?? [];
    return words.filter((word) => !left.has(word)).map(stemOf);
  };
}
