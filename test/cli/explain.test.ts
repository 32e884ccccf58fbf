/**
 * `--explain` says what would be in force, and runs nothing.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { run, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

interface Explained {
  readonly engine: string;
  readonly command: string | null;
  readonly promises: readonly {
    readonly about: string;
    readonly promise: string;
    readonly held: readonly { readonly by: string; readonly how: string }[];
  }[];
  readonly writable: readonly { readonly path: string; readonly by: string }[];
  readonly lacks: readonly { readonly lacks: string; readonly instead: string }[];
  readonly filter: Readonly<Record<string, number>>;
  readonly disassembly?: readonly string[];
}

async function explained(words: readonly string[], env = {}): Promise<Explained> {
  const { code, stdout, stderr } = await secfilt(['--json', ...words], { env });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing shows in the assertions
  return JSON.parse(stdout) as Explained;
}

void test('--explain runs nothing, with a command or without', async (t) => {
  const made = join(temporaryDirectory(t), 'made');
  const { code, stdout } = await secfilt(['--explain', '--', 'touch', made]);
  assert.equal(code, 0);
  assert.equal(existsSync(made), false);
  assert.match(stdout, /^engine: \w+$/m);
  assert.match(stdout, /^command: \/.*touch$/m);
  assert.match(stdout, /^files are not restricted, but for interfaces of the kernel/m);
  const without = await secfilt(['--explain', '--read-only']);
  assert.equal(without.code, 0);
  assert.doesNotMatch(without.stdout, /^command:/m);
  assert.match(without.stdout, /^files are changed at no path/m);
});

void test('--explain says of every writable path who allows changes there', async (t) => {
  const directory = temporaryDirectory(t);
  const [there, later] = [join(directory, 'there'), join(directory, 'later')];
  mkdirSync(there);
  const options = ['--explain', `--write-allow=${there},${later}`];
  const { writable, promises } = await explained(options, { SECFILTER_LANDLOCK: '0' });
  const by = (path: string): string | undefined => writable.find((row) => row.path === path)?.by;
  assert.deepEqual([by(there), by(later)], ['supervisor', 'supervisor']);
  const holders = promises.find(({ about }) => about === 'files')?.held.map((held) => held.by);
  assert.ok(holders?.includes('supervisor') && !holders.includes('Landlock'));
});

void test('--explain names what this kernel lacks, and Landlock where there is one', async (t) => {
  const directory = temporaryDirectory(t);
  const probe = await secfilt(['--probe', '--json']);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing shows in the assertions
  const { landlock } = JSON.parse(probe.stdout) as { landlock: number };
  const options = ['--explain', `--write-allow=${directory}`];
  const { lacks } = await explained(options, { SECFILTER_LANDLOCK: '0' });
  assert.ok(lacks.some((lack) => lack.lacks === 'Landlock'));
  if (landlock === 0) {
    t.skip('this kernel has no Landlock');
    return;
  }
  const explanation = await explained(options, { SECFILTER_LANDLOCK: undefined });
  assert.ok(!explanation.lacks.some((lack) => lack.lacks === 'Landlock'));
  assert.deepEqual(
    explanation.writable.find((row) => row.path === directory),
    { path: directory, by: 'Landlock' },
  );
});

void test('--explain=filter is the compiled filter, an instruction a line', async () => {
  const { code, stdout } = await secfilt(['--explain=filter', '--read-only']);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.match(stdout, /^ +0 {2}ld {3}arch$/m);
  assert.match(stdout, /AUDIT_ARCH_X86_64/);
  assert.match(stdout, / {2}j\w+ .*; \w+$/m);
  assert.match(stdout, /ret {2}(USER_NOTIF|TRACE)/);
  const { filter, disassembly } = await explained(['--explain=filter', '--read-only']);
  assert.deepEqual(disassembly, lines.length === 0 ? undefined : stdout.replace(/\n$/, '').split('\n'));
  assert.equal(filter['instructions'], lines.length);
});

void test('--explain takes no other value, and refuses what no engine can do', async () => {
  const wrong = await secfilt(['--explain=filters']);
  assert.equal(wrong.code, 125);
  assert.match(
    wrong.stderr,
    /--explain: "filters" is neither "filter" nor a file that can be read: no such file/,
  );
  const impossible = await secfilt(['--engine=kernel', '--allow-unix=/run/x', '--read-only', '--explain']);
  assert.equal(impossible.code, 125);
  assert.match(impossible.stderr, /--allow-unix needs a supervisor/);
});

void test('who reads only the beginning of what is explained ends nothing by that', async () => {
  const secfilt = secfiltWords(['--explain', '--read-deny=@secrets', 'true']);
  const script = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"';
  const { stdout, stderr } = await run(['bash', '-c', script, 'bash', ...secfilt]);
  assert.deepEqual([stdout.split('\n').slice(1), stderr], [['0', ''], '']);
});
