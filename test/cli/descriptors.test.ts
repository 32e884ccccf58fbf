/**
 * Descriptors that options name: those that secfilt was started with work, and no other is taken for one. Node has a dozen
 * of its own by then, most of them below 20.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { type Outcome, run, type RunOptions, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const LAST = 40;

/** secfilt with no descriptor but the standard ones and what the redirections open. `node`: words for Node itself. */
function started(
  args: readonly string[],
  redirections = '',
  options: RunOptions & { readonly node?: readonly string[] } = {},
): Promise<Outcome> {
  const [node, ...rest] = secfiltWords(args);
  const close = `for ((i = 3; i <= 300; i++)); do eval "exec $i>&-"; done`;
  const words = [node, ...(options.node ?? []), ...rest];
  return run(['bash', '-c', `${close}; exec "$@" ${redirections}`, 'bash', ...words], options);
}

/** Few at a time. */
async function forEach<Item>(items: readonly Item[], body: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await body(item);
  };
  await Promise.all([next(), next(), next()]);
}

const WAYS: readonly [string, (number: number) => string[]][] = [
  ['--log=N', (number) => ['--read-only', `--log=${number}`]],
  ['--log=/proc/thread-self/fd/N', (number) => ['--read-only', `--log=/proc/thread-self/fd/${number}`]],
  ['--config=/dev/fd/N', (number) => ['--read-only', `--config=/dev/fd/${number}`]],
  ['--config=/proc/self/fd/N', (number) => ['--read-only', `--config=/proc/self/fd/${number}`]],
  ['--learn=/dev/fd/N', (number) => [`--learn=/dev/fd/${number}`]],
  ['--write-allow=/dev/fd/N', (number) => [`--write-allow=/dev/fd/${number}`]],
];

for (const [name, argsOf] of WAYS) {
  void test(`S15 ${name} of a descriptor that nobody gave says so, for every number`, async () => {
    const numbers = Array.from({ length: LAST - 2 }, (_, index) => index + 3);
    await forEach(numbers, async (number) => {
      const outcome = await started([...argsOf(number), 'sh', '-c', 'echo ran']);
      const { code, signal, stdout } = outcome;
      assert.deepEqual({ code, signal, stdout }, { code: 125, signal: null, stdout: '' }, outcome.stderr);
      assert.match(
        outcome.stderr,
        new RegExp(
          `^secfilt: --\\w+(?:-\\w+)?: "\\S*\\b${number}" is no descriptor that secfilt was started with: did you forget ${number}[<>]FILE\\?\\n$`,
        ),
      );
    });
  });
}

void test('S15 the same without a code cache, and where the process was started afresh', async () => {
  await forEach([3, 4, 7, 11, 14, 16, 17, 21], async (number) => {
    const ways: (RunOptions & { node?: readonly string[] })[] = [
      { node: ['--no-opt'] },
      { env: { NODE_OPTIONS: '--no-warnings' } },
    ];
    for (const way of ways) {
      const outcome = await started([`--log=${number}`, '--read-only', 'true'], '', way);
      assert.equal(outcome.code, 125, JSON.stringify(outcome));
      assert.match(outcome.stderr, /is no descriptor that secfilt was started with/);
    }
  });
});

void test('S15 a pipe of its own is not read by another name either', async (t) => {
  const link = join(temporaryDirectory(t), 'link');
  for (let number = 3; number <= 16; number += 1) {
    const path = `${link}${number}`;
    symlinkSync(`/proc/self/fd/${number}`, path);
    const outcome = await started([`--config=${path}`, 'true'], '', { timeout: 20_000 });
    assert.equal(outcome.code, 125, JSON.stringify(outcome));
  }
});

void test('S15 a descriptor that was given works, whatever its number and its name, also after a fresh start', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'log.conf');
  const numbers = [3, 4, 9, 11, 16, 17, 18, 25, 40];
  await forEach(numbers, async (number) => {
    const names = [
      `${number}`,
      `/dev/fd/${number}`,
      `/proc/self/fd/${number}`,
      `/proc/thread-self/fd/${number}`,
    ];
    for (const [index, name] of names.entries()) {
      const log = join(directory, `log-${number}-${index}`);
      const env = index % 2 === 0 ? {} : { NODE_OPTIONS: '--no-warnings' };
      const args = [`--log=${name}`, '--quiet', '--read-only', 'touch', join(directory, 'new')];
      const outcome = await started(args, `${number}>'${log}'`, { env });
      assert.equal(outcome.code, 1, JSON.stringify(outcome));
      assert.match(readFileSync(log, 'utf8'), /^\{"v":1,.*\}\n$/, name);
    }
  });
  assert.equal(existsSync(join(directory, 'new')), false);
  // Named by a file, which is itself given, and a pipe.
  writeFileSync(config, 'quiet=1\nread-only=1\nlog=5\n');
  for (const env of [{}, { NODE_OPTIONS: '--no-warnings' }]) {
    const log = join(directory, 'piped');
    const args = ['--config=/dev/fd/4', 'touch', join(directory, 'new')];
    const outcome = await started(args, `4<'${config}' 5> >(cat >'${log}'; echo end)`, { env });
    assert.equal(outcome.code, 1, JSON.stringify(outcome));
    assert.equal(outcome.stdout, 'end\n');
    assert.match(readFileSync(log, 'utf8'), /^\{"v":1,.*\}\n$/);
  }
});

void test('S15 every descriptor at once, and the same pipe twice', async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, 'log');
  const redirections = Array.from({ length: 20 }, (_, index) => `${index + 3}>'${log}'`).join(' ');
  for (const number of [3, 12, 16, 17, 22]) {
    const args = [`--log=${number}`, '--quiet', '--read-only', 'touch', join(directory, 'new')];
    assert.equal((await started(args, redirections)).code, 1);
    assert.match(readFileSync(log, 'utf8'), /^\{"v":1,.*\}\n$/);
  }
  const beyond = await started(['--log=24', '--read-only', 'true'], redirections);
  assert.equal(beyond.code, 125, beyond.stderr);
  const args = ['--log=4', '--quiet', '--read-only', 'touch', join(directory, 'new')];
  const twice = await started(args, '3> >(cat) 4>&3');
  assert.deepEqual([twice.code, twice.stdout.startsWith('{"v":1,')], [1, true], twice.stderr);
});

void test('S15 a descriptor that is open for reading only takes no log', async () => {
  for (const [name, redirection] of [
    ['0', '0</dev/null'],
    ['3', '3</dev/null'],
    ['4', '4< <(true)'],
    ['5', '5</'],
  ] as const) {
    const { code, stderr } = await started([`--log=${name}`, '--read-only', 'true'], redirection);
    assert.equal(code, 125, stderr);
    assert.match(
      stderr,
      new RegExp(`^secfilt: --log: "${name}" is not open for writing: write ${name}>FILE`),
    );
  }
});
