import { Module } from '@nestjs/common';
import { ModelSettings } from './model-settings.js';

/** The settings of models, glossaries and prices, for rooms that ask no model. */
@Module({ providers: [ModelSettings], exports: [ModelSettings] })
export class ModelSettingsModule {}
