import { Module } from '@nestjs/common';
import { OpenAiCircuits } from './circuit-breaker.js';
import { ModelCheck } from './model-check.js';
import { OpenAiClient } from './openai-client.js';
import { OpenAiTransport } from './openai-transport.js';

/**
 * OpenAI for the rest of the service. Needs APP_CONFIG with base URL and key set (those of the sandbox if there is no
 * key). Calls go through `client.get` and `client.post` of the SDK, not through its typed methods, because retries,
 * deadlines and reading bodies are ours.
 */
@Module({
  providers: [OpenAiCircuits, OpenAiTransport, OpenAiClient, ModelCheck],
  exports: [OpenAiClient, OpenAiCircuits, ModelCheck],
})
export class OpenAiModule {}
