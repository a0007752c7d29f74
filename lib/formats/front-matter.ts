/** What the front matter of a card can hold. */
export type FrontMatterValue =
  string | number | readonly FrontMatterValue[] | { readonly [key: string]: FrontMatterValue };

/** Words that mean themselves to YAML, wherever they stand: `loss:SumLoss`, `hub-org/model`. */
const plainWord = /^[a-z][\w.-]*(?:[:/][\w.-]+)*$/i;

/** Those that some YAML takes for a truth value or nothing. */
const reserved = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

/** The YAML block at the beginning of a README.md, which the hub reads. Numbers are finite. */
export function frontMatter(fields: Readonly<Record<string, FrontMatterValue>>): string {
  return ['---', ...linesOf(fields), '---'].join('\n');
}

function linesOf(value: FrontMatterValue): string[] {
  if (typeof value === 'string')
    return [plainWord.test(value) && !reserved.test(value) ? value : JSON.stringify(value)];
  if (typeof value === 'number') return [String(value)];
  if (isList(value)) return value.length === 0 ? ['[]'] : value.flatMap(itemLines);
  return Object.entries(value).flatMap(([key, field]) => fieldLines(key, field));
}

/** The first line after a dash, the others below it. */
function itemLines(item: FrontMatterValue): string[] {
  return linesOf(item).map((line, i) => `${i === 0 ? '- ' : '  '}${line}`);
}

function fieldLines(key: string, field: FrontMatterValue): string[] {
  const lines = linesOf(field);
  const isBlock = typeof field === 'object' && !(isList(field) && field.length === 0);
  return isBlock ? [`${key}:`, ...lines.map((line) => `  ${line}`)] : [`${key}: ${lines.join('')}`];
}

function isList(value: FrontMatterValue): value is readonly FrontMatterValue[] {
  return Array.isArray(value);
}
