import type { PoolClient } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';

/**
 * A COPY that is fed piece by piece, in the running transaction of `client`; no other statement runs there until it has
 * ended. Where the rows are at hand, `copyRows` is the way.
 */
export class RowCopy {
  private readonly stream: CopyStreamQuery;
  private failure: Error | undefined;
  private reject: (error: Error) => void = () => undefined;

  /** @param target - `table_name (job_id, position, …)`: a constant of the code */
  constructor(client: PoolClient, target: string) {
    this.stream = client.query(copyFrom(`copy ${target} from stdin`));
    this.stream.on('error', (error) => {
      this.failure ??= error;
      this.reject(error);
    });
  }

  /**
   * Sends whole rows in COPY's text format; when it resolves they are on their way and their memory is the caller's again.
   * @throws pg's error; the transaction is lost then
   */
  write(rows: Buffer): Promise<void> {
    return this.wait((done) => this.stream.write(rows, done));
  }

  /**
   * @returns the number of rows, all of which the server has
   * @throws as `write`
   */
  async end(): Promise<number> {
    await this.wait((done) => this.stream.end(done));
    return this.stream.rowCount;
  }

  /** Gives up; the transaction can only be rolled back. */
  async abort(): Promise<void> {
    if (this.failure !== undefined || this.stream.destroyed) return;
    const closed = new Promise((resolve) => this.stream.once('close', resolve));
    this.stream.destroy(new Error('the rows are not wanted any more'));
    await closed;
  }

  /** The stream leaves a callback unanswered where the connection broke: only its error tells. */
  private wait(step: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.reject = reject;
      step((error) => (error == null ? resolve() : reject(error)));
    });
  }
}
