import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { HostPaces } from './host-paces.js';
import { PhotoAsker } from './photo-asker.js';
import { PhotoChecker } from './photo-checker.js';

/** Are a lot's photos there? */
@Module({
  imports: [OutboundModule],
  providers: [Clock, HostPaces, PhotoAsker, PhotoChecker],
  exports: [PhotoChecker],
})
export class ImagesModule {}
