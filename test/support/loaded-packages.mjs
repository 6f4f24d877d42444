// Given to a process by --import, this prints at its end how many files of OpenTelemetry it has loaded. Those of its API are not
// counted: prom-client loads them in any case.
import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);
process.on('exit', () => {
  const files = Object.keys(cache).filter((file) => /@opentelemetry.(?!api.)/.test(file));
  console.log(JSON.stringify({ opentelemetry_files: files.length }));
});
