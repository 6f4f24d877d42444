import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';

const PREFIX = 'uploads-';

/** This process's own folder for large uploads; the folders of processes that died are removed at start. */
@Injectable()
export class SpoolFolder implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SpoolFolder.name);
  private readonly parent: string;
  readonly path: string;

  constructor(@Inject(APP_CONFIG) config: AppConfig) {
    this.parent = join(config.database.dataDir, 'spool');
    this.path = join(this.parent, `${PREFIX}${process.pid}`);
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.parent, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.parent)) {
      const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
      // A folder with our own process id was left by an earlier process with the same id.
      if (Number.isInteger(pid) && (pid === process.pid || !isAlive(pid))) {
        await rm(join(this.parent, name), { recursive: true, force: true });
        this.logger.log('removed the uploads of a process that no longer runs', { pid });
      }
    }
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  async onApplicationShutdown(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
