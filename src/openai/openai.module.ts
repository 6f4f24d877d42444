import { Module } from '@nestjs/common';
import { OpenAiCircuits } from './circuit-breaker.js';
import { ModelCheck } from './model-check.js';
import { OpenAiClient } from './openai-client.js';
import { OpenAiTransport } from './openai-transport.js';

/** OpenAI as the rest of the service sees it. Needs APP_CONFIG, with base URL and key set, the sandbox's where there is no key. */
@Module({
  providers: [OpenAiCircuits, OpenAiTransport, OpenAiClient, ModelCheck],
  exports: [OpenAiClient, OpenAiCircuits, ModelCheck],
})
export class OpenAiModule {}
