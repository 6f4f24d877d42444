import { Inject, Injectable, type CanActivate } from '@nestjs/common';
import { ServiceError } from '../common/service-error.js';
import type { AppConfig } from '../config/app-config.js';
import { APP_CONFIG } from '../config/app-config.js';

/** The older service's addresses exist only while a migration needs them. */
@Injectable()
export class LegacyReadsGuard implements CanActivate {
  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** @throws ServiceError NOT_FOUND, naming the replacement */
  canActivate(): boolean {
    if (this.config.auth.legacyUnsignedReads) return true;
    throw new ServiceError(
      'NOT_FOUND',
      'This address no longer exists; use GET /api/v1/batch-status/{job_id} and, for lots, GET /api/v1/batch-results/{job_id}.',
    );
  }
}
