import { Logger } from '@nestjs/common';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { exportedSpan } from './exported-span.js';

/**
 * Sends spans to the collector, each reduced to what may leave. A collector that is away costs the spans and nothing
 * else; the log says so once, and once more when it is back.
 */
export class SpanSender implements SpanExporter {
  private readonly logger = new Logger('Tracing');
  private failing = false;
  private lost = 0;

  /** @param host - the collector's, for the log; its address may hold credentials */
  constructor(
    private readonly exporter: SpanExporter,
    private readonly host: string,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans.map(exportedSpan), (result) => {
      // The queue's timer runs in the context of whatever span started it, whose trace the log would name.
      context.with(ROOT_CONTEXT, () => this.notice(result, spans.length));
      // The processor would report a failure to the console. It has been dealt with here.
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  private notice({ code, error }: ExportResult, count: number): void {
    if (code === ExportResultCode.SUCCESS) {
      if (this.failing) this.logger.log('the collector takes traces again', { host: this.host, spans_lost: this.lost });
      this.failing = false;
      this.lost = 0;
      return;
    }
    this.lost += count;
    if (this.failing) return;
    this.failing = true;
    this.logger.warn('traces cannot be sent; nothing else depends on them', {
      host: this.host,
      reason: reasonOf(error),
    });
  }
}

/** A status or a code of the network. What a collector writes in an answer may be long, and may quote what was sent. */
function reasonOf(error: (Error & { code?: unknown }) | undefined): string {
  const { code } = error ?? {};
  return typeof code === 'string' || typeof code === 'number' ? String(code) : (error?.message.slice(0, 200) ?? '');
}
