import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG } from '../config/app-config.js';
import type { AppConfig } from '../config/app-config.js';
import { BatchesApi } from './batches-api.js';
import { FilesApi } from './files-api.js';
import type { JsonRecord } from './json-values.js';
import { ModelsApi } from './models-api.js';
import { countTokens } from './openai-metrics.js';
import { OpenAiTransport } from './openai-transport.js';
import { readJson } from './read-body.js';
import { requestIdOf } from './request-headers.js';
import type { CallLimits } from './retry.js';
import { failureOfResponse } from './to-openai-error.js';

export interface CreatedResponse {
  /** The Response object as received, `status` being `completed` or `incomplete`; its parts are not validated. */
  readonly body: JsonRecord;
  /** OpenAI's `x-request-id` of the try that succeeded. */
  readonly requestId: string | undefined;
}

/** OpenAI's HTTP API as the service uses it. Every method rejects with OpenAiError only. */
@Injectable()
export class OpenAiClient {
  readonly files: FilesApi;
  readonly batches: BatchesApi;
  readonly models: ModelsApi;

  constructor(
    @Inject(APP_CONFIG) private readonly config: Pick<AppConfig, 'openai'>,
    private readonly transport: OpenAiTransport,
    clock: Clock,
  ) {
    this.files = new FilesApi(transport, clock, config);
    this.batches = new BatchesApi(transport);
    this.models = new ModelsApi(transport, clock);
  }

  /**
   * POST /responses. A response that failed inside its 200 is an error like any other and is tried again when that
   * helps. An incomplete response and a refusal are answers.
   * @param body - the request as OpenAI documents it, without `stream` and `background`
   */
  async createResponse(body: JsonRecord, limits: CallLimits): Promise<CreatedResponse> {
    const model = typeof body['model'] === 'string' ? body['model'] : '';
    const { value, requestId } = await this.transport.call<JsonRecord>(
      {
        name: 'create_response',
        path: '/responses',
        model,
        send: (client, sdkOptions) => client.post('/responses', { body, ...sdkOptions }).asResponse(),
        read: async (response) => {
          const answer = await readJson(response);
          const failure = failureOfResponse(answer, requestIdOf(response.headers));
          // Tokens of a response that failed are billed too.
          countTokens(model, failure === undefined ? (answer as JsonRecord)['usage'] : failure.usage);
          if (failure !== undefined) throw failure;
          return answer as JsonRecord;
        },
      },
      limits,
    );
    return { body: value, requestId };
  }

  /** A text of the upstream made safe for the log: our secrets are removed, and it is shortened. */
  quotable(text: string | undefined): string | undefined {
    return this.transport.secrets.outOf(text);
  }

  /**
   * The fingerprint of the upstream that batches and files belong to: base URL and project. Credentials and the base
   * URL's query are left out, because a query holds a version or a token, which may change while batches run. A stored
   * batch of another upstream must not be asked about, and above all not be sent again.
   */
  fingerprint(): string {
    const { upstream, baseUrl, projectId } = this.config.openai;
    if (upstream !== undefined) return upstream;
    const url = new URL(baseUrl);
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}${projectId === '' ? '' : `#${projectId}`}`;
  }
}
