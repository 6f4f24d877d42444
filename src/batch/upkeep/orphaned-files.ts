import { Injectable, Logger } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { ShardFileStore, type RequestFileName } from '../shards/shard-file-store.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { parseRequestFileName } from '../stages/submission.js';

const LIST_MS = 10 * 60_000;
/** OpenAI deletes what belongs to batches after 30 days; by then no clock's difference matters. */
const EXPIRED_MS = 31 * DAY_MS;

/**
 * Request files at OpenAI whose id no shard holds: uploaded by a process that died before it committed the id, uploaded
 * twice because an answer was lost, or of a submission that OpenAI refused. Their names say whose they are.
 */
@Injectable()
export class OrphanedFiles {
  private readonly logger = new Logger(OrphanedFiles.name);

  constructor(
    private readonly clock: Clock,
    private readonly openai: OpenAiClient,
    private readonly store: ShardFileStore,
  ) {}

  /** Any number of processes may do so at once: a file that is gone is deleted. @throws OpenAiError */
  async sweep(signal: AbortSignal): Promise<void> {
    await this.store.forgetSpent(new Date(this.clock.now() - EXPIRED_MS));
    const limits = { deadlineAt: this.clock.now() + LIST_MS, signal };
    const orphans: string[] = [];
    for await (const page of this.openai.files.listBatchInputs(limits)) {
      const ours = new Map<string, RequestFileName>();
      for (const { id, filename } of page) {
        const name = parseRequestFileName(filename);
        if (name !== undefined) ours.set(id, name);
      }
      // Asked after the page came: a file that it shows was uploaded before, for the submission of then or an older one.
      if (ours.size > 0) orphans.push(...(await this.store.orphansAmong(this.openai.fingerprint(), ours)));
    }
    // Not before the last page: a list goes on behind a file, and could not behind one that is gone.
    for (const id of orphans) await this.openai.files.deleteFile(id, limits);
    if (orphans.length > 0) {
      this.logger.log('request files that no batch was made of were deleted', { files: orphans.length });
    }
  }
}
