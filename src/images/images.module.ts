import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { HostRests } from './host-rests.js';
import { PhotoChecker } from './photo-checker.js';

/** Are a lot's photos there? */
@Module({
  imports: [OutboundModule],
  providers: [Clock, HostRests, PhotoChecker],
  exports: [PhotoChecker],
})
export class ImagesModule {}
