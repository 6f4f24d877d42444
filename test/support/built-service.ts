import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { inject } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * The folder of the service's sources as plain JavaScript, for tests that start processes. The first of a run who asks
 * for it makes it, and the end of the run removes it: nobody else may.
 */
export async function builtService(): Promise<string> {
  const folder = inject('builtService');
  if (existsSync(folder)) return folder;
  const made = await transpile(dirname(folder));
  try {
    await rename(made, folder);
  } catch (error) {
    // Another test file was making it at the same time, and has.
    if (!existsSync(folder)) throw error;
    await rm(made, { recursive: true });
  }
  return folder;
}

/** The sources as they are now; types are tsc's business. */
async function transpile(within: string): Promise<string> {
  await mkdir(within, { recursive: true });
  const target = await mkdtemp(join(within, 'service-of-tests-'));
  // A test starts it as a plain user.
  await chmod(target, 0o755);
  for (const file of await readdir(join(ROOT, 'src'), { recursive: true })) {
    const source = join(ROOT, 'src', file);
    const output = join(target, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(output), { recursive: true });
    if (!file.endsWith('.ts')) {
      if (file.includes('.')) await copyFile(source, output);
      continue;
    }
    const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
      fileName: file,
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    await writeFile(output, outputText);
  }
  return target;
}
