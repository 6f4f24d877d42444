import { setImmediate as nextTurn } from 'node:timers/promises';

/** Does long work that comes in steps, and lets others be served between them. */
export async function inSteps<T>(steps: Iterator<unknown, T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await nextTurn();
  }
}
