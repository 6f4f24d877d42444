/** A streaming replica of a running PostgreSQL on this machine. */
export class StreamingReplica {
  static start(
    primary: { readonly url: string; readonly data: string },
    settings?: Readonly<Record<string, string>>,
  ): Promise<StreamingReplica>;
  readonly url: string;
  readonly folder: string;
  start(): void;
  kill(): void;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  pauseReplay(): Promise<unknown>;
  resumeReplay(): Promise<unknown>;
  caughtUp(): Promise<void>;
  query<T>(text: string, values?: readonly unknown[]): Promise<T[]>;
  remove(): Promise<void>;
}
