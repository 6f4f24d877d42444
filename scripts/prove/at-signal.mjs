// A proof that is told to end (Ctrl-C, SIGTERM) must leave no process and no folder behind.

/**
 * Calls `stop` at a signal, and ends this process when it is done. A second signal ends it at once.
 * @returns `stop` for the ordinary end, so that it runs once, whoever comes first
 */
export function stopAtSignal(stop) {
  let stopping;
  const once = () => (stopping ??= stop());
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      // What was under way fails now, because what it talks to is gone. That must not end this process before the rest is stopped.
      for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => {});
      void once().finally(() => process.exit(1));
    });
  }
  return once;
}
