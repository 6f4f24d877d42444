import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readText } from '../../../src/assessment/audit/reader.js';
import { renderText } from '../../../src/assessment/text/render.js';
import { glossaries } from './glossaries.js';
import { statements } from './statements.js';

const sorted = (all: unknown) => (Array.isArray(all) ? all.map((one) => JSON.stringify(one)).toSorted() : all);

describe.each(glossaries)('a text in $tag', (glossary) => {
  it('is read back as the statements that it was made of, in both forms', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom('usual', 'plain'), (all, form) => {
        const text = renderText(all, glossary, form);
        const back=readText(text, glossary);
        const canon=(x:any)=>Array.isArray(x)?x.map((s)=>JSON.stringify(Object.fromEntries(Object.entries(s).toSorted()))).toSorted():x;
        if ('unreadable' in back) console.log(JSON.stringify(text));
        expect(canon(back)).toEqual(canon(all));
      }),
      { numRuns: 300 },
    );
  });
});
