import { Global, Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { UnprovenWork } from './admission/unproven-work.js';
import { AuthGuard } from './auth.guard.js';
import { AuthService } from './auth.service.js';
import { KeyRing } from './keys.js';
import { RateLimits } from './rate-limit.js';
import { UploadGate } from './upload-gate.js';

/** Global, because a guard is built inside the module of each controller that it guards. */
@Global()
@Module({
  providers: [Clock, KeyRing, AuthService, AuthGuard, RateLimits, UploadGate, UnprovenWork],
  exports: [KeyRing, AuthService, AuthGuard, RateLimits, UploadGate, UnprovenWork],
})
export class AuthModule {}
