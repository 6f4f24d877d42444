import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { ConfigError } from '../../src/config/setting-reader.js';

const KEY = 'k'.repeat(32);
const tracing = (environment: Record<string, string>) => loadConfig({ SHARED_KEY: KEY, ...environment }).tracing;

describe('the settings of traces', () => {
  it('the settings of traces are off without an endpoint', () => {
    expect(tracing({})).toEqual({ endpoint: '', headers: {}, serviceName: 'generation-service', ratio: 1 });
  });

  it('the settings of traces read the names of OpenTelemetry as it means them', () => {
    const read = tracing({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:4318/otlp/',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%2Cb%3D, x-team = lots ,',
      OTEL_SERVICE_NAME: 'lots',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    });
    expect(read).toEqual({
      endpoint: 'https://collector.example:4318/otlp',
      headers: { 'api-key': 'a,b=', 'x-team': 'lots' },
      serviceName: 'lots',
      ratio: 0.25,
    });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://secret:4317'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'secret'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'api-key=secret%0Aline'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'api-key=secret%'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ])('the settings of traces refuse %s=%s and name no value', (name, value) => {
    const error = (() => {
      try {
        tracing({ [name]: value });
        return null;
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error?.message).toContain(name);
    expect(error?.message).not.toContain('secret');
  });
});
