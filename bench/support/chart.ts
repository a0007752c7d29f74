/** One bar of a chart. */
export interface ChartBar {
  readonly label: string;
  readonly value: number;
  /** Ours stand out. */
  readonly isOurs: boolean;
}

/** Bars that share an axis. */
export interface ChartGroup {
  readonly title: string;
  readonly bars: readonly ChartBar[];
}

const width = 860;
const labelWidth = 300;
const valueWidth = 90;
const barHeight = 20;
const gap = 6;
const groupHead = 40;
const margin = 20;
const ours = '#0b6e4f';
const theirs = '#9aa5b1';

/** Horizontal bars in groups, each with an axis of its own that begins at zero. An SVG document. */
export function barChart(title: string, subtitle: string, groups: readonly ChartGroup[]): string {
  const parts: string[] = [];
  let y = margin + 24;
  parts.push(text(margin, y, title, 'font-size="18" font-weight="600"'));
  y += 20;
  parts.push(text(margin, y, subtitle, 'font-size="12" fill="#566573"'));
  for (const { title: heading, bars } of groups) {
    y += groupHead;
    parts.push(text(margin, y - 10, heading, 'font-size="14" font-weight="600"'));
    const most = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      parts.push(drawBar(bar, y, most));
      y += barHeight + gap;
    }
  }
  const height = y + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function drawBar({ label, value, isOurs }: ChartBar, y: number, most: number): string {
  const left = margin + labelWidth;
  const length = Math.max(1, (value / most) * (width - left - valueWidth - margin));
  const middle = y + barHeight / 2 + 4;
  return [
    text(left - 8, middle, label, `font-size="12" text-anchor="end"${isOurs ? ' font-weight="600"' : ''}`),
    `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${isOurs ? ours : theirs}"/>`,
    text(left + length + 6, middle, Math.round(value).toLocaleString('en'), 'font-size="12"'),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
