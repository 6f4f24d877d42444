// Given to a process by --import, this prints at its end how many files of OpenTelemetry it has loaded.
import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);
process.on('exit', () => {
  const files = Object.keys(cache).filter((file) => file.includes('@opentelemetry'));
  console.log(JSON.stringify({ opentelemetry_files: files.length }));
});
