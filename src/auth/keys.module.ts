import { Module } from '@nestjs/common';
import { KeyRing } from './key-ring.js';

/** The clients' secrets: requests are verified with them, and webhooks signed. */
@Module({ providers: [KeyRing], exports: [KeyRing] })
export class KeysModule {}
