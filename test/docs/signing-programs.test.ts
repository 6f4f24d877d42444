import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { sandboxed } from '../home/sandboxed.js';
import { hasCompiler, hasInterpreter } from '../support/interpreters.js';
import { TestService } from '../support/service.js';
import { packagePath } from './package-path.js';
import { blocksOf, markedBlock } from './page-blocks.js';

// Real: the programs of docs/signing.md as they are printed there, in seven languages, against the running service.
// C# is compiled by Mono's mcs, which Debian has.

interface Program {
  readonly name: string;
  /** As in the marks of docs/signing.md. */
  readonly mark: string;
  readonly file: string;
  readonly isHere: () => boolean;
  /** Commands that compile and run it, in the folder where its file lies. */
  readonly run: readonly (readonly string[])[];
}

const PROGRAMS: readonly Program[] = [
  { name: 'Python', mark: 'python', file: 'a.py', isHere: () => hasInterpreter('python3'), run: [['python3', 'a.py']] },
  { name: 'Node', mark: 'node', file: 'a.mjs', isHere: () => true, run: [[process.execPath, 'a.mjs']] },
  { name: 'PHP', mark: 'php', file: 'a.php', isHere: () => hasInterpreter('php'), run: [['php', 'a.php']] },
  {
    name: 'shell',
    mark: 'shell',
    file: 'a.sh',
    isHere: () => hasInterpreter('openssl') && hasInterpreter('curl'),
    run: [['sh', '-eu', 'a.sh']],
  },
  { name: 'Go', mark: 'go', file: 'main.go', isHere: () => hasCompiler('go'), run: [['go', 'run', 'main.go']] },
  {
    name: 'Java',
    mark: 'java',
    file: 'SignedRequest.java',
    isHere: () => hasCompiler('javac'),
    run: [['java', 'SignedRequest.java']],
  },
  {
    name: 'C#',
    mark: 'csharp',
    file: 'a.cs',
    isHere: () => hasCompiler('mcs'),
    run: [
      ['mcs', '-r:System.Net.Http.dll', 'a.cs'],
      ['mono', 'a.exe'],
    ],
  },
];

/** Prints the signature of every vector, one a line, by the sample's own function. */
const SIGN_ALL: Readonly<Record<string, { readonly file: string; readonly run: readonly (readonly string[])[] }>> = {
  php: { file: 'all.php', run: [['php', 'all.php']] },
  go: { file: 'all_test.go', run: [['go', 'test', '-count=1', 'main.go', 'all_test.go']] },
  java: {
    file: 'All.java',
    run: [
      ['javac', '-d', '.', 'SignedRequest.java', 'All.java'],
      ['java', '-cp', '.', 'All'],
    ],
  },
  csharp: {
    file: 'all.cs',
    run: [
      ['mcs', '-r:System.Net.Http.dll', '-main:All', '-out:all.exe', 'a.cs', 'all.cs'],
      ['mono', 'all.exe'],
    ],
  },
};

interface Vector {
  readonly key: string;
  readonly timestamp: number;
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly signature: string;
}
const vectors = JSON.parse(
  readFileSync(packagePath('test/vectors/signed-request-vectors.json'), 'utf8'),
) as readonly Vector[];

/** Go compiles its HTTP library once on each machine, which takes a minute on a slow one. */
const COMPILING = 240_000;

const execute = promisify(execFile);
let service: TestService;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signing-programs-'));
  service = await TestService.start({ environment: { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY }, change: sandboxed });
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

function place({ mark, file }: Program): string {
  const used = blocksOf('signing.md').find((block) => block.mark === `use: signed-request ${mark}`)?.code ?? '';
  const code = `${markedBlock('signing.md', `sample: signed-request ${mark}`)}\n${used}\n`;
  writeFileSync(join(folder, file), code);
  return code;
}

async function run(commands: readonly (readonly string[])[], secret = DEMO_KEY): Promise<string> {
  let printed = '';
  for (const [program = '', ...values] of commands) {
    const env = { ...process.env, SERVICE: service.origin, SHARED_KEY: secret, GO111MODULE: 'off' };
    printed = (await execute(program, values, { cwd: folder, env })).stdout;
  }
  return printed;
}

describe('the programs of docs/signing.md', () => {
  const here = PROGRAMS.filter(({ isHere }) => isHere());

  it.each(here)(
    'the $name program of docs/signing.md describes a lot, run as it is printed',
    async (program) => {
      place(program);
      expect(await run(program.run)).toContain('<p>');
    },
    COMPILING,
  );

  it.each(here.filter(({ mark }) => mark !== 'shell'))(
    'the $name program of docs/signing.md says so when its signature is refused',
    async (program) => {
      place(program);
      await expect(run(program.run, `${DEMO_KEY}x`)).rejects.toThrow('INVALID_SIGNATURE');
    },
    COMPILING,
  );

  it.each(here.filter(({ mark }) => mark in SIGN_ALL))(
    'the $name sample of docs/signing.md signs every request as the vectors say',
    async (program) => {
      const code = place(program);
      const { file, run: commands } = SIGN_ALL[program.mark] as (typeof SIGN_ALL)[string];
      writeFileSync(join(folder, file), signAll(program.mark, code));
      await run(commands);
    },
    COMPILING,
  );
});

/** A program that ends with an error unless the sample signs every vector rightly. */
function signAll(mark: string, code: string): string {
  // Escapes of JSON's strings are escapes in these languages too.
  const rows = vectors.map(({ key, method, target, body, timestamp, signature }) => ({
    strings: [key, method, target, body].map((text) => JSON.stringify(text)).join(', '),
    timestamp,
    signature,
  }));
  switch (mark) {
    case 'php': {
      const sample = code.slice(0, code.indexOf('$service ='));
      const data = JSON.stringify(vectors)
        .replaceAll("'", String.raw`\u0027`)
        .replaceAll('\\', '\\\\');
      return `${sample}
foreach (json_decode('${data}', true) as $v) {
    $signed = sign($v['key'], $v['method'], $v['target'], $v['body'], $v['timestamp'])[1];
    if ($signed !== 'X-Signature: ' . $v['signature']) throw new Exception($v['name']);
}`;
    }
    case 'go':
      return `package main
import "testing"
func TestSign(t *testing.T) {
${rows.map(({ strings, timestamp, signature }) => `	check(t, "${signature}", ${timestamp}, ${strings})`).join('\n')}
}
func check(t *testing.T, signature string, timestamp int64, secret, method, target, body string) {
	if signed := Sign(secret, method, target, []byte(body), timestamp); signed != signature { t.Error(target, signed) }
}`;
    case 'java':
      return `public class All {
  static void check(String signature, long timestamp, String secret, String method, String target, String body) throws Exception {
    if (!SignedRequest.sign(secret, method, target, body, timestamp).equals(signature)) throw new Exception(target);
  }
  public static void main(String[] arguments) throws Exception {
${rows.map(({ strings, timestamp, signature }) => `    check("${signature}", ${timestamp}L, ${strings});`).join('\n')}
  }
}`;
    default:
      return `public static class All {
  static void Check(string signature, long timestamp, string secret, string method, string target, string body) {
    if (SignedRequest.Sign(secret, method, target, body, timestamp) != signature) throw new System.Exception(target);
  }
  public static void Main() {
${rows.map(({ strings, timestamp, signature }) => `    Check("${signature}", ${timestamp}L, ${strings});`).join('\n')}
  }
}`;
  }
}
