import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

import MarkdownIt, { type Token } from 'markdown-it';

import type { Benchmark } from './benchmark.js';

/** A heading of a Markdown file and what stands below it, down to the next heading. */
export interface Section {
  /** The npm package that it documents. */
  readonly package: string;
  readonly heading: string;
  /** The text, sentence by sentence; an item of a list, a row of a table or a block of code is a sentence, too. */
  readonly sentences: readonly string[];
}

/** What one might search for, and the text that should be found. */
export type Pair = Readonly<Record<'anchor' | 'positive', string>>;

/** Files that say much the same in every package. */
const boilerplate = /licen[cs]e|copying|change|history|release|notice|conduct|security|contribut|governance/i;

const fewestWords = 12;

/** Words of a run, and the share of a section's runs that may be known already. */
const runLength = 5;
const mostKnown = 0.2;

/** How often the pairs of a heading stand in the dataset. */
const headingRepeats = 3;

/** Characters of a text at most; a longer one is cut between words. */
const longestText = 2000;

const markdown = new MarkdownIt({ html: true });
const sentenceSegmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

export interface ReadOptions {
  /** Called after every file. */
  readonly onProgress?: (files: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The sections of all Markdown files in `nodeModules`, the same ones in the same order every time. */
export async function readSections(nodeModules: string, { onProgress, signal }: ReadOptions = {}): Promise<Section[]> {
  const files = await markdownFiles(nodeModules);
  const seen = new SeenText();
  const sections: Section[] = [];
  for (const [at, file] of files.entries()) {
    signal?.throwIfAborted();
    const source = await readFile(path.join(nodeModules, file), 'utf8');
    sections.push(
      ...parseSections(source, packageOf(file)).filter((section) => isProse(section) && seen.addIfNew(section)),
    );
    onProgress?.(at + 1, files.length);
  }
  return sections;
}

async function markdownFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, encoding: 'utf8' });
  return files
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => /\.(md|markdown)$/i.test(file) && !/(^|\/)\./.test(file))
    .filter((file) => !boilerplate.test(path.basename(file)))
    .sort();
}

/** `a/node_modules/@scope/b/docs/c.md` documents `@scope/b`. */
function packageOf(file: string): string {
  const inner = file.split('node_modules/').at(-1) ?? file;
  return inner
    .split('/')
    .slice(0, inner.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Cuts a Markdown file at its headings. Images, HTML and the addresses of links are left out. */
export function parseSections(source: string, packageName: string): Section[] {
  const sections: Section[] = [];
  let section = { package: packageName, heading: '', sentences: [] as string[] };
  let row: string[] | undefined;
  let inHeading = false;
  for (const token of markdown.parse(source, {})) {
    switch (token.type) {
      case 'heading_open':
        inHeading = true;
        section = { package: packageName, heading: '', sentences: [] };
        sections.push(section);
        break;
      case 'heading_close':
        inHeading = false;
        break;
      case 'tr_open':
        row = [];
        break;
      case 'tr_close':
        section.sentences.push((row ?? []).join(' '));
        row = undefined;
        break;
      case 'inline':
        if (inHeading) section.heading = plainText(token);
        else if (row !== undefined) row.push(plainText(token));
        else section.sentences.push(...sentencesOf(plainText(token)));
        break;
      case 'fence':
      case 'code_block':
        section.sentences.push(oneLine(token.content));
        break;
    }
  }
  return sections.map((each) => ({ ...each, sentences: each.sentences.filter((sentence) => sentence !== '') }));
}

function plainText({ children }: Token): string {
  const parts = (children ?? []).map(({ type, content }) => {
    if (type === 'text' || type === 'code_inline') return content;
    return type === 'softbreak' || type === 'hardbreak' ? ' ' : '';
  });
  return oneLine(parts.join(''));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function sentencesOf(paragraph: string): string[] {
  return Array.from(sentenceSegmenter.segment(paragraph), ({ segment }) => segment.trim());
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Equal for texts that differ only in case and punctuation. */
function wordKey(text: string): string {
  return words(text).join(' ');
}

/** Long enough to be found by what it says, and in English. */
function isProse({ sentences }: Section): boolean {
  const text = sentences.join(' ');
  const foreign = text.match(/[^\p{Script=Latin}\P{L}]/gu)?.length ?? 0;
  return words(text).length >= fewestWords && foreign < 0.1 * text.length;
}

/** Knows text again by runs of five words: licences, copied paragraphs, the same package in two versions. */
class SeenText {
  readonly #runs = new Set<string>();

  /** Whether most of a section is new; what it says is not new any more. */
  addIfNew({ sentences }: Section): boolean {
    const text = words(sentences.join(' '));
    const runs = text.slice(runLength - 1).map((_, start) => text.slice(start, start + runLength).join(' '));
    const known = runs.filter((run) => this.#runs.has(run)).length;
    for (const run of runs) this.#runs.add(run);
    return known <= mostKnown * runs.length;
  }
}

/**
 * Holds back every `every`th section that a question can be asked about. The others are there to learn from, without the
 * sentences that happen to be such a question, as in a table of contents. The benchmark asks about the sections held
 * back, and has to find them among the documents of all sections.
 */
export function holdOut(sections: readonly Section[], every: number): { training: Section[]; benchmark: Benchmark } {
  const isUnique = uniqueHeadings(sections);
  const pairs = sections.map((section) => questionAbout(section, isUnique));
  const questions = pairs
    .flatMap((pair, section) => (pair === undefined ? [] : [{ text: pair.anchor, answer: section }]))
    .filter((_, i) => i % every === 0);
  const answers = new Set(questions.map(({ answer }) => answer));
  const asked = new Set(questions.map(({ text }) => wordKey(text)));
  return {
    training: sections
      .filter((_, section) => !answers.has(section))
      .map((section) => ({ ...section, sentences: section.sentences.filter((text) => !asked.has(wordKey(text))) })),
    benchmark: { documents: sections.map((section, i) => pairs[i]?.positive ?? textOf(section.sentences)), questions },
  };
}

/** What a reader of the section might have asked: its heading where that says enough, else its first sentence. */
function questionAbout({ heading, sentences }: Section, isUnique: (heading: string) => boolean): Pair | undefined {
  if (words(heading).length >= 2 && isUnique(heading)) return { anchor: heading, positive: textOf(sentences) };
  const [first = '', ...rest] = sentences;
  const isEnough = words(first).length >= 4 && words(rest.join(' ')).length >= fewestWords;
  return isEnough ? { anchor: first, positive: textOf(rest) } : undefined;
}

function uniqueHeadings(sections: readonly Section[]): (heading: string) => boolean {
  const counts = new Map<string, number>();
  for (const key of sections.map(({ heading }) => wordKey(heading))) counts.set(key, (counts.get(key) ?? 0) + 1);
  return (heading) => counts.get(wordKey(heading)) === 1;
}

/**
 * What to learn from: a section is what its heading (with and without the package's name) is about, a sentence belongs to
 * the rest of its section and to the next sentence, and a few words out of it lead to the section, as in a search.
 * Headings count several times, since they are most like what will be asked.
 */
export function trainingPairs(sections: readonly Section[]): Pair[] {
  return sections.flatMap(({ package: name, heading, sentences }) => {
    const text = textOf(sentences);
    const ofHeading = [
      { anchor: heading, positive: text },
      { anchor: `${name} ${heading}`, positive: text },
    ];
    const ofSentences = sentences.flatMap((sentence, i) => [
      { anchor: sentence, positive: textOf(sentences.toSpliced(i, 1)) },
      { anchor: sentence, positive: sentences[i + 1] ?? '' },
      { anchor: phraseOf(sentence, i), positive: text },
    ]);
    const pairs = [...Array<Pair[]>(headingRepeats).fill(ofHeading).flat(), ...ofSentences];
    return pairs.filter(({ anchor, positive }) => words(anchor).length >= 2 && words(positive).length >= 4);
  });
}

/** Two to six neighbouring words; which ones, varies with `at`. */
function phraseOf(sentence: string, at: number): string {
  const all = words(sentence);
  const length = 2 + (at % 5);
  const start = (7 * at) % Math.max(1, all.length - length);
  return all.slice(start, start + length).join(' ');
}

/** All that is known of a section, for search. */
export function documentOf({ package: name, heading, sentences }: Section): string {
  return `${name} ${heading}\n${textOf(sentences)}`;
}

function textOf(sentences: readonly string[]): string {
  const text = sentences.join('\n');
  return text.length <= longestText ? text : text.slice(0, text.lastIndexOf(' ', longestText));
}
