/** What Markdown, HTML or a table would take for a sign of theirs; an underscore within a word is none. */
const signs = /[&<>|*`~[\]\\]|(?<!\w)_|_(?!\w)/g;

/** Text of others, to be shown as it stands. */
export function plainText(text: string): string {
  return text.replace(signs, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\r\n|[\r\n\u2028\u2029]/g, '<br>');
}

export function codeText(text: string): string {
  return `<code>${plainText(text)}</code>`;
}

/** A fenced block that its content cannot end. */
export function codeBlock(language: string, content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}

/** A table of cells that are Markdown already. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => ':--')), ...rows.map(line)].join('\n');
}

/** A section that opens at a click. */
export function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** `a`, `a and b`, `a, b and c`. */
export function enumeration(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

/** `map_at_10` as `Map At 10`. */
export function titleCase(name: string): string {
  return name.replaceAll('_', ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** At most four digits after the point, as in the cards of Sentence Transformers. */
export function formatNumber(value: number | undefined): string {
  return value === undefined ? '-' : String(Number(value.toFixed(4)));
}
