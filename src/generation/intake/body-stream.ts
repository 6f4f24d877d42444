import type { IncomingMessage } from 'node:http';
import { isUtf8MediaType, mediaTypeOf, RequestBody, unsupportedMediaType } from '../../common/request-body.js';
import { LotSplitter } from './lot-splitter.js';
import { NdjsonSplitter } from './ndjson-splitter.js';
import type { RequestSink, RequestSplitter } from './request-sink.js';

export type BodyFormat = 'json' | 'ndjson';

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
};

/** The body of a POST generate-descriptions, not yet read. */
export interface BodyStream {
  readonly format: BodyFormat;
  readonly body: RequestBody;
}

/**
 * Checks what the headers say about the body.
 * @param maxBytes - MAX_BODY_BYTES
 * @throws ServiceError UNSUPPORTED_MEDIA_TYPE (415), BODY_TOO_LARGE (413, announced size)
 */
export function openBodyStream(request: IncomingMessage, maxBytes: number): BodyStream {
  const mediaType = mediaTypeOf(request);
  const format = Object.hasOwn(FORMATS, mediaType) ? FORMATS[mediaType] : undefined;
  if (format === undefined || !isUtf8MediaType(request)) {
    throw unsupportedMediaType('Send Content-Type: application/json or application/x-ndjson, in UTF-8.', {
      'Accept-Post': 'application/json, application/x-ndjson',
    });
  }
  return { format, body: new RequestBody(request, maxBytes) };
}

export function createSplitter(format: BodyFormat, sink: RequestSink): RequestSplitter {
  return format === 'json' ? new LotSplitter(sink) : new NdjsonSplitter(sink);
}
