import type { SettingReader } from './setting-reader.js';

/** Where traces are sent. The names of the variables and their meaning are OpenTelemetry's. */
export interface TracingSettings {
  /** The collector's base address; empty: no traces, and nothing of OpenTelemetry is loaded. */
  readonly endpoint: string;
  /** Sent with every request to the collector; values are secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** The share of traces (0 to 1) that is kept, of those that begin here. */
  readonly ratio: number;
}

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const VALUE = /^[\t\x20-\x7e]{1,8192}$/;

export function readTracing(read: SettingReader): TracingSettings {
  return {
    endpoint: readEndpoint(read),
    headers: readCollectorHeaders(read),
    serviceName: read.text('OTEL_SERVICE_NAME', 'generation-service'),
    ratio: read.number('OTEL_TRACES_SAMPLER_ARG', 1, { max: 1, integer: false }),
  };
}

function readEndpoint(read: SettingReader): string {
  const value = read.text('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (value === '') return '';
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    read.problem('OTEL_EXPORTER_OTLP_ENDPOINT must be an http(s) URL');
    return '';
  }
  return value.replace(/\/+$/, '');
}

/** `name=value,name=value`, values percent-encoded where they hold a comma. */
function readCollectorHeaders(read: SettingReader): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of read.secret('OTEL_EXPORTER_OTLP_HEADERS').split(',')) {
    if (pair.trim() === '') continue;
    const [name = '', value = ''] = pair.split(/=(.*)/s).map((part) => part.trim());
    const decoded = withoutPercents(value);
    if (!NAME.test(name) || decoded === null || !VALUE.test(decoded)) {
      read.problem('OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs with commas between them');
      return {};
    }
    headers[name] = decoded;
  }
  return headers;
}

function withoutPercents(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
