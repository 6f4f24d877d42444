import { Global, Module } from '@nestjs/common';
import { UnprovenWork } from './admission/unproven-work.js';
import { AuthGuard } from './auth.guard.js';
import { AuthService } from './auth.service.js';
import { KeysModule } from './keys.module.js';
import { LimitsModule } from './limits/limits.module.js';
import { OpenStreams } from './limits/open-streams.js';
import { RateLimits } from './rate-limits.js';
import { UploadGate } from './upload-gate.js';

/**
 * Who may send requests, and who may upload. Global, because Nest builds a guard inside the module of each controller
 * that it guards.
 */
@Global()
@Module({
  imports: [KeysModule, LimitsModule],
  providers: [AuthService, AuthGuard, OpenStreams, RateLimits, UploadGate, UnprovenWork],
  exports: [AuthService, AuthGuard, OpenStreams, RateLimits, UploadGate, UnprovenWork],
})
export class AuthModule {}
