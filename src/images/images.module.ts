import { Module } from '@nestjs/common';
import { OutboundModule } from '../outbound/outbound.module.js';
import { HostPaces } from './host-paces.js';
import { PhotoAsker } from './photo-asker.js';
import { PhotoCarrier } from './photo-carrier.js';
import { PhotoChecker } from './photo-checker.js';

/** Checks whether a lot's photos are there, and fetches those that OpenAI cannot take. */
@Module({
  imports: [OutboundModule],
  providers: [HostPaces, PhotoAsker, PhotoCarrier, PhotoChecker],
  exports: [PhotoCarrier, PhotoChecker],
})
export class ImagesModule {}
