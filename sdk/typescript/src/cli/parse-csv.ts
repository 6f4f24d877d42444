/** A row of a CSV file by the names in its first row, and where it began. */
export interface CsvRow {
  readonly line: number;
  readonly cells: ReadonlyMap<string, string>;
}

/**
 * Reads CSV as spreadsheets write it (RFC 4180): quoted cells with commas, quotes and line ends, a byte order mark, and
 * semicolons or tabs instead of commas. Rows come as they are read, so a long file needs no memory.
 * @throws Error for a quote that never ends, and for a row with more cells than the first
 */
export async function* parseCsv(chunks: AsyncIterable<string>): AsyncGenerator<CsvRow, void, undefined> {
  let names: string[] | null = null;
  for await (const { line, cells } of readRows(chunks)) {
    if (cells.length === 1 && cells[0] === '') continue;
    if (names === null) {
      names = cells.map((name) => name.trim().toLowerCase());
      continue;
    }
    if (cells.length > names.length)
      throw new Error(`line ${line}: ${cells.length} cells, but the first row names ${names.length}`);
    yield { line, cells: new Map(cells.map((cell, index) => [names?.[index] ?? '', cell])) };
  }
}

async function* readRows(chunks: AsyncIterable<string>): AsyncGenerator<{ line: number; cells: string[] }> {
  let line = 1;
  let begin = 1;
  let cells: string[] = [];
  let cell = '';
  let state: 'plain' | 'quoted' | 'after a quote' = 'plain';
  let separator: string | null = null;
  let last = '';
  for await (const chunk of withoutMark(chunks)) {
    for (const character of chunk) {
      if (character === '\n') line++;
      if (separator === null && state !== 'quoted' && ',;\t\n'.includes(character))
        separator = character === '\n' ? ',' : character;
      last = character;
      if (state === 'quoted') {
        if (character === '"') state = 'after a quote';
        else cell += character;
      } else if (character === '"' && (state === 'after a quote' || cell === '')) {
        if (state === 'after a quote') cell += '"';
        state = 'quoted';
      } else if (character === separator) {
        cells.push(cell);
        cell = '';
        state = 'plain';
      } else if (character === '\n') {
        yield { line: begin, cells: [...cells, cell.endsWith('\r') ? cell.slice(0, -1) : cell] };
        begin = line;
        cells = [];
        cell = '';
        state = 'plain';
      } else cell += character;
    }
  }
  if (state === 'quoted') throw new Error(`line ${begin}: a quote begins here or later and never ends`);
  if (last !== '' && last !== '\n') yield { line: begin, cells: [...cells, cell] };
}

async function* withoutMark(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let first = true;
  for await (const chunk of chunks) {
    yield first && chunk.startsWith('\ufeff') ? chunk.slice(1) : chunk;
    first = false;
  }
}
