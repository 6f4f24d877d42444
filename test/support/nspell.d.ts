/** What we use of nspell, which has no types. */
declare module 'nspell' {
  export default function nspell(affixes: string, dictionary: string): { correct(word: string): boolean };
}
