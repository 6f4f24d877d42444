import { Injectable, Logger } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { ShardFileStore, type RequestFileName } from '../shards/shard-file-store.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { parseRequestFileName } from '../stages/submission.js';

const LIST_MS = 10 * 60_000;
/** OpenAI deletes the files of batches after 30 days. One more day makes differences between clocks harmless. */
const EXPIRED_MS = 31 * DAY_MS;

/**
 * Deletes request files at OpenAI whose id is in no shard's row: uploaded by a process that died before it committed
 * the id, uploaded twice because an answer was lost, or refused by OpenAI. Their names say which shard they belong to.
 */
@Injectable()
export class OrphanedFiles {
  private readonly logger = new Logger(OrphanedFiles.name);

  constructor(
    private readonly clock: Clock,
    private readonly openai: OpenAiClient,
    private readonly store: ShardFileStore,
  ) {}

  /** Any number of processes may do this at once: deleting a file that is gone is no error. @throws OpenAiError */
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
      // Asked after the page came: a file on it was uploaded earlier, for the submission of that time or an older one.
      if (ours.size > 0) orphans.push(...(await this.store.orphansAmong(this.openai.fingerprint(), ours)));
    }
    // Only after the last page: the next page begins after a file, which must still exist.
    for (const id of orphans) await this.openai.files.deleteFile(id, limits);
    if (orphans.length > 0) {
      this.logger.log('request files that belong to no batch were deleted', { files: orphans.length });
    }
  }
}
