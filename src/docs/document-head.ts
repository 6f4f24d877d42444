import { DocumentBuilder, type OpenAPIObject } from '@nestjs/swagger';
import { API_VERSION } from '../common/api-version.js';

const DESCRIPTION = `Finds damage in the photos of car lots and describes it as HTML in many languages.

One lot with at most 20 photos is answered at once; everything else becomes a job that is followed by its id.
Both go through the same endpoint, \`POST /api/v1/generate-descriptions\`.

Every request to \`/api/v1\` is signed: \`X-Signature: v1=<hex>\` with

    HMAC-SHA256(secret, "v1\\n" + X-Timestamp + "\\n" + METHOD + "\\n" + path with query + "\\n" + hex(SHA-256(body)))

Errors are always \`{error, message, code, details, request_id}\`; program against \`code\`.`;

const BROWSER_HINT =
  'The shared secret. It stays in this page, which signs every request with it (see docs/signing.md). The service finds out by itself whose secret it is.';

/** What the page says before all else. */
export const FIRST_LINE =
  '**Press *Authorize* and paste the shared key: this page then signs every request that you send from it.** The ' +
  '[guides](/docs/guides) say how a program does it, and [Check a signature](/docs/signing-page) why one is refused.';

interface Schemes {
  readonly schemes: NonNullable<NonNullable<OpenAPIObject['components']>['securitySchemes']>;
  readonly security: NonNullable<OpenAPIObject['security']>;
}

/**
 * The input of Swagger UI; sign.js removes the secret from each request before it is sent. There must be only one box:
 * Swagger UI puts the cursor into the last one, and a secret pasted into a box for the key id would be sent.
 */
export const SCHEMES_IN_BROWSER: Schemes = {
  schemes: { secret: { type: 'apiKey', in: 'header', name: 'X-Signing-Secret', description: BROWSER_HINT } },
  security: [{ secret: [] }],
};

/** The parts of the OpenAPI document that belong to no route. */
export function documentHead(): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder()
    .setTitle('Generation Service')
    .setDescription(DESCRIPTION)
    .setVersion(API_VERSION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'The service that serves this document')
    .addTag('Describing lots', 'The one endpoint that takes lots, one or 50,000.')
    .addTag('Following a job', 'Status, results, list, cancel, pause, events.')
    .addTag('Usage', 'What your key has used, by day, model or mode.')
    .addTag('Webhooks', 'What was sent when a job ended, with every attempt; send it again.')
    .addTag('Migration', 'Addresses of the older service; they exist only with LEGACY_UNSIGNED_READS.')
    .addTag('Operations', 'For probes; no signature.')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Signature', description: 'v1= and the hex of the HMAC.' },
      'signature',
    )
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Timestamp', description: 'Unix seconds, within 300 s of now.' },
      'timestamp',
    )
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Key-Id', description: 'Optional: the id whose secret signs.' },
      'keyId',
    )
    .addSecurityRequirements({ signature: [], timestamp: [] })
    .addSecurityRequirements({ signature: [], timestamp: [], keyId: [] })
    .build();
}
