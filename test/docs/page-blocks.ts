import { readdirSync, readFileSync } from 'node:fs';
import { marked, type Token, type Tokens } from 'marked';
import { packagePath } from './package-path.js';

/** The guides of docs/. */
export const GUIDES = readdirSync(packagePath('docs')).filter((name) => name.endsWith('.md'));

export interface Block {
  /** As the fence names it; null for a block that is merely indented. */
  readonly language: string | null;
  readonly code: string;
  /** What the comment right before it says, such as `sample: signed-request go`. */
  readonly mark: string | undefined;
}

const readGuide = (name: string) => readFileSync(packagePath(`docs/${name}`), 'utf8');

/** The blocks of code of a guide, in order. */
export function blocksOf(name: string): Block[] {
  const blocks: Block[] = [];
  let mark: string | undefined;
  const walk = (tokens: readonly Token[]) => {
    for (const token of tokens) {
      if (token.type === 'space') continue;
      if (token.type === 'code') {
        const { lang, text, codeBlockStyle } = token as Tokens.Code;
        blocks.push({ language: codeBlockStyle === 'indented' ? null : (lang ?? ''), code: text, mark });
      }
      mark = token.type === 'html' ? /^<!-- (.*) -->/.exec(token.raw)?.[1] : undefined;
      walk('tokens' in token && token.tokens !== undefined ? token.tokens : []);
      for (const item of (token as Partial<Tokens.List>).items ?? []) walk(item.tokens);
    }
  };
  walk(marked.lexer(readGuide(name)));
  return blocks;
}

/** The block under a mark. */
export function markedBlock(guide: string, mark: string): string {
  const found = blocksOf(guide).find((block) => block.mark === mark);
  if (found === undefined) throw new Error(`docs/${guide} has no block under <!-- ${mark} -->`);
  return found.code;
}
