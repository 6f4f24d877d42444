import { Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

/** What is known of a configured model. */
interface ShownModel {
  readonly id: string;
  readonly state: string;
  readonly shutdownDate: Date | undefined;
}

let ask: () => readonly ShownModel[] = () => [];

const shutdown: Gauge = new Gauge({
  name: 'openai_model_shutdown_timestamp_seconds',
  help: 'When OpenAI shuts a configured model down, where a day is announced',
  labelNames: ['model'],
  registers: [metricsRegistry],
  collect: () => {
    shutdown.reset();
    for (const { id: model, shutdownDate } of ask()) {
      if (shutdownDate !== undefined) shutdown.set({ model }, shutdownDate.getTime() / 1000);
    }
  },
});

const served: Gauge = new Gauge({
  name: 'openai_model_served',
  help: 'Whether OpenAI serves a configured model to this key (1) or does not know it (0); absent while it could not be asked',
  labelNames: ['model'],
  registers: [metricsRegistry],
  collect: () => {
    served.reset();
    for (const { id: model, state } of ask()) if (state !== 'unknown') served.set({ model }, state === 'gone' ? 0 : 1);
  },
});

/** @param look - gives what is known now, without waiting */
export function showModels(look: () => readonly ShownModel[]): void {
  ask = look;
}
