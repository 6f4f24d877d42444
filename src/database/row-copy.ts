import type { PoolClient } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';

/**
 * A COPY that gets its rows piece by piece, in the running transaction of `client`. No other statement can run there
 * until it has ended. If all rows are there already, use `copyRows`.
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
   * Sends whole rows in COPY's text format. Once it resolves, the caller may use the rows' memory again.
   * @throws pg's error; the transaction can only be rolled back then
   */
  write(rows: Buffer): Promise<void> {
    return this.wait((done) => this.stream.write(rows, done));
  }

  /**
   * Ends the COPY.
   * @returns the number of rows, which the server has all received
   * @throws as `write` does
   */
  async end(): Promise<number> {
    await this.wait((done) => this.stream.end(done));
    return this.stream.rowCount;
  }

  /** Stops the COPY; the transaction can only be rolled back then. */
  async abort(): Promise<void> {
    if (this.failure !== undefined || this.stream.destroyed) return;
    const closed = new Promise((resolve) => this.stream.once('close', resolve));
    this.stream.destroy(new Error('the COPY was stopped'));
    await closed;
  }

  /** Waits for a callback of the stream, or for its error: when the connection breaks, the callback is never called. */
  private wait(step: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.reject = reject;
      step((error) => (error == null ? resolve() : reject(error)));
    });
  }
}
