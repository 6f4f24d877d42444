import { Module } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { AllowList } from './address-rules.js';
import { NameResolver } from './name-resolver.js';
import { OUTBOUND_OPTIONS, OutboundClient, type OutboundOptions } from './outbound-client.js';

/**
 * Requests to addresses that clients named. The AllowList is exported for intake, which checks URLs without sending
 * anything.
 */
@Module({
  providers: [
    {
      provide: AllowList,
      useFactory: (config: AppConfig) => AllowList.parse(config.outbound.allow),
      inject: [APP_CONFIG],
    },
    {
      provide: OUTBOUND_OPTIONS,
      useFactory: (config: AppConfig): OutboundOptions => ({ photoUserAgent: config.images.userAgent }),
      inject: [APP_CONFIG],
    },
    NameResolver,
    OutboundClient,
  ],
  exports: [AllowList, OutboundClient],
})
export class OutboundModule {}
