import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from './database.service.js';
import { showPool } from './pool-metrics.js';

/** Shows in the metrics how busy this process's connections to the database are. */
@Injectable()
export class PoolFigures implements OnModuleInit {
  constructor(private readonly database: Database) {}

  onModuleInit(): void {
    showPool(this.database.pool);
  }
}
