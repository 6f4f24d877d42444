export { GenerationService } from './client.js';
export type * from './options.js';
export {
  ApiError,
  ConnectionError,
  GenerationServiceError,
  JobRunningError,
  WebhookVerificationError,
} from './errors.js';
export { sha256Hex, signRequest, type Signable } from './signing.js';
export type * from './types.js';
export { verifyWebhook, type VerifiedWebhook, type WebhookInput } from './verify-webhook.js';
export type * from './webhook-events.js';
