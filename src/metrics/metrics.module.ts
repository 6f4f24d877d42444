import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';

/** Prometheus reads /metrics here; each room registers its own metrics. */
@Module({ controllers: [MetricsController] })
export class MetricsModule {}
