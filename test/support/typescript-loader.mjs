/** Lets a child process of a test run the service's TypeScript as it is: `node --import …/typescript-loader.mjs file.ts`. */
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

// Node runs the hooks in a thread of their own, from this same file.
if (isMainThread) register(import.meta.url);

/** Uses the sandbox's source in place of its build, which a test run may not have. */
const SANDBOX = new URL('../../packages/openai-sandbox/src/index.ts', import.meta.url).href;

export async function resolve(specifier, context, next) {
  if (specifier === 'openai-sandbox') return { url: SANDBOX, shortCircuit: true };
  if (!specifier.startsWith('.') || context.parentURL?.endsWith('.ts') !== true) return next(specifier, context);
  return next(specifier.replace(/\.js$/, '.ts'), context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { default: ts } = await import('typescript');
  const { outputText } = ts.transpileModule(await readFile(fileURLToPath(url), 'utf8'), {
    fileName: fileURLToPath(url),
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  return { format: 'module', source: outputText, shortCircuit: true };
}
