import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ScrapedValue } from '../../common/scraped-value.js';
import { Database } from '../database.service.js';
import { ReadReplica } from './read-replica.js';
import { showReplica } from './replica-metrics.js';
import { bytesBehind, walPosition } from './wal-position.js';

/** Shows in the metrics whether this process reads at the replica, and how far that is behind. */
@Injectable()
export class ReplicaFigures extends ScrapedValue<number | undefined> implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly replica: ReadReplica,
  ) {
    super();
  }

  onModuleInit(): void {
    if (!this.replica.isSet) return;
    showReplica({ isUp: () => this.replica.isUp, bytesBehind: () => this.get() });
  }

  protected async look(): Promise<number | undefined> {
    if (!this.replica.isUp) return undefined;
    const position = await walPosition(this.database);
    return this.replica.ask((sql) => bytesBehind(sql, position));
  }
}
