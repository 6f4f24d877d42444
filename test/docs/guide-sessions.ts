/** A guide whose commands (`sh`) are run from the first to the last in one shell. */
export interface Session {
  readonly guide: string;
  /** Marked blocks of docs/getting-started.md that a reader pasted before. */
  readonly after: readonly string[];
}

const CALL = ['settings', 'call'];

export const SESSIONS: Readonly<Record<string, Session>> = Object.fromEntries(
  [
    { guide: 'getting-started.md', after: [] },
    { guide: 'api.md', after: CALL },
    { guide: 'batch.md', after: CALL },
    { guide: 'troubleshooting.md', after: CALL },
    { guide: 'operations.md', after: CALL },
  ].map((session) => [session.guide, session]),
);
