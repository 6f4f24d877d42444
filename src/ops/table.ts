import { printable } from './printable.js';

export interface Column<Row> {
  readonly title: string;
  /** A text of anybody: what a terminal would obey is escaped here. */
  readonly of: (row: Row) => string;
  /** Numbers stand at the right. */
  readonly right?: true;
  /** Never cut, because a reader copies it. */
  readonly whole?: true;
}

/** What fits a terminal at night, and a page. */
export const MOST_COLUMNS = 100;
const BETWEEN = '  ';
const LEAST_WIDTH = 6;

const NO_WIDTH = /\p{M}/u;
/** Scripts and signs that take two places. */
const TWO_WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

/** A table for people, no line longer than {@link MOST_COLUMNS} places; long texts are cut. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map((column) => printable(column.of(row)))),
  ];
  const widths = fitted(
    columns,
    columns.map((_, index) => Math.max(...lines.map((cells) => widthOf(cells[index] ?? '')))),
  );
  return lines
    .map((cells) =>
      cells
        .map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.right === true))
        .join(BETWEEN)
        .trimEnd(),
    )
    .join('\n');
}

/** One line, cut where it is too long. */
export function line(text: string): string {
  return cut(printable(text), MOST_COLUMNS);
}

function fitted<Row>(columns: readonly Column<Row>[], wanted: readonly number[]): number[] {
  const widths = [...wanted];
  const room = MOST_COLUMNS - BETWEEN.length * (columns.length - 1);
  for (let over = widths.reduce((sum, width) => sum + width, -room); over > 0; over--) {
    const loose = widths.map((width, index) => (columns[index]?.whole === true || width <= LEAST_WIDTH ? 0 : width));
    const widest = loose.indexOf(Math.max(...loose));
    if ((loose[widest] ?? 0) === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function padded(text: string, width: number, right: boolean): string {
  const shown = cut(text, width);
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return right ? space + shown : shown + space;
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = '';
  let places = 0;
  for (const character of text) {
    places += widthOf(character);
    if (places >= width) break;
    shown += character;
  }
  return `${shown}…`;
}

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : TWO_WIDE.test(character) ? 2 : 1;
  return width;
}
