// Preloaded into the service: tells its parent once of each statement whether it ran, and by which error it was refused.
import pg from 'pg';

const told = new Set();
const original = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query').value;

pg.Client.prototype.query = function query(config, ...rest) {
  const text = typeof config === 'string' ? config : (config?.text ?? '');
  const failed = (error) => tell(text, `${error.code ?? ''} ${error.message}`);
  // The pool hands in a function to be called.
  const last = rest.length - 1;
  if (typeof rest[last] === 'function') {
    const callback = rest[last];
    rest[last] = (error, ...results) => {
      if (error) failed(error);
      else tell(text, '');
      callback(error, ...results);
    };
    return original.call(this, config, ...rest);
  }
  const result = original.call(this, config, ...rest);
  if (typeof result?.then === 'function') result.then(() => tell(text, ''), failed);
  else result?.on?.('error', failed).on('finish', () => tell(text, '')); // A COPY, which is a stream.
  return result;
};

function tell(text, error) {
  const code = error.slice(0, 5);
  if (text === '' || told.has(`${code} ${text}`) || process.channel === undefined) return;
  told.add(`${code} ${text}`);
  process.send({ statement: text, error });
}
