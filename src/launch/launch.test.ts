import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { X86_64 } from '../linux/syscalls.ts';
import { launch } from './launch.ts';
import type { LaunchOptions } from './launch.ts';
import { LaunchError } from './launch-error.ts';
import type { LaunchPlan } from './rows.ts';
import { filterOf, planFor, refuse, run, statusField } from './testing.ts';

const EPERM = 1;
const ENOENT = 2;
const EACCES = 13;
const EINVAL = 22;

const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
after(() => rmSync(folder, { recursive: true }));
const fixture = join(import.meta.dirname, 'fixture.js');

function shell(script: string, ...words: string[]): string[] {
  return ['sh', '-c', script, 'sh', ...words];
}

/** The code that a plan's command exits with. */
function exitCode(plan: LaunchPlan, options?: LaunchOptions): unknown {
  const { end, outcome } = run(plan, options);
  assert.equal(outcome, 'executed');
  return end.kind === 'exit' ? end.code : end;
}

function assertFails(plan: LaunchPlan, step: string, errno: number, ruleset?: number): void {
  const { end, outcome } = run(plan, ruleset === undefined ? {} : { rulesetDescriptor: ruleset });
  assert.ok(outcome instanceof LaunchError);
  assert.deepEqual({ step: outcome.step, errno: outcome.errno }, { step, errno });
  assert.deepEqual(end, { kind: 'exit', code: 125 });
}

void test('the command gets its arguments byte by byte, the environment and the directory', () => {
  const file = join(folder, 'seen');
  process.env['SECFILTER_TEST'] = 'seen';
  const plan = planFor(shell('{ echo "$SECFILTER_TEST"; pwd; printf %s "$2"; } >"$1"', file, 'here'));
  const bytes = Buffer.from([0xff, 0x27, 0x0a, 0x20, 0xfe]);
  assert.equal(exitCode({ ...plan, argv: [...plan.argv.slice(0, -1), bytes] }), 0);
  assert.deepEqual(readFileSync(file), Buffer.concat([Buffer.from(`seen\n${process.cwd()}\n`), bytes]));
});

void test('the end of the command is known', () => {
  assert.equal(exitCode(planFor(['true'])), 0);
  assert.equal(exitCode(planFor(shell('exit 42'))), 42);
  assert.deepEqual(exitCode(planFor(shell('kill -TERM $$'))), { kind: 'signal', signal: 15 });
});

/** What a command writes to a file. */
function see(command: string, ...words: string[]): string {
  const output = join(folder, 'output');
  const descriptor = openSync(output, 'w');
  try {
    assert.equal(spawnSync(command, words, { stdio: ['ignore', descriptor, descriptor] }).status, 0);
  } finally {
    closeSync(descriptor);
  }
  return readFileSync(output, 'utf8');
}

void test('signals and descriptors are what a shell would start the command with', () => {
  const script = [
    'grep -E "^Sig(Ign|Blk|Cgt)|^Shd" /proc/self/status',
    'for fd in 0 1 2; do readlink /proc/self/fd/$fd; grep flags /proc/self/fdinfo/$fd; done',
  ].join('\n');
  const expected = see('sh', '-c', 'exec sh -c "$1"', 'sh', script);
  assert.match(expected, /SigIgn:\s0000000000000000\n/);
  assert.equal(see(process.execPath, fixture, 'plain', 'sh', '-c', script), expected);
});

void test('descriptors that were inherited without close-on-exec end with the launcher', () => {
  const seen = spawnSync(
    'sh',
    [
      '-c',
      'exec 7</dev/null 9</dev/null; exec "$@"',
      'sh',
      process.execPath,
      fixture,
      'plain',
      'ls',
      '/proc/self/fd',
    ],
    { encoding: 'utf8' },
  );
  assert.equal(seen.stdout, '0\n1\n2\n3\n'); // 3 is the folder itself
});

void test('the command cannot gain privileges, and dies with the process that started it', () => {
  const file = join(folder, 'status');
  assert.equal(exitCode(planFor(shell('cat /proc/self/status >"$1"', file))), 0);
  assert.match(readFileSync(file, 'utf8'), /^NoNewPrivs:\t1$/m);
});

void test('capabilities that are not kept are gone for good', () => {
  const file = join(folder, 'status');
  const kept = BigInt(`0x${statusField('self', 'CapEff')}`) & 0x21n; // CAP_CHOWN, CAP_KILL
  const plan = planFor(shell('cat /proc/self/status >"$1"', file), { dropCapabilities: kept });
  assert.equal(exitCode(plan), 0);
  const status = readFileSync(file, 'utf8');
  const set = kept.toString(16).padStart(16, '0');
  for (const name of ['CapPrm', 'CapEff']) assert.match(status, new RegExp(`^${name}:\t${set}$`, 'm'));
  for (const name of ['CapInh', 'CapAmb']) assert.match(status, new RegExp(`^${name}:\t0{16}$`, 'm'));
  if (kept !== 0n) assert.match(status, new RegExp(`^CapBnd:\t${set}$`, 'm'));
});

void test('a filter is in force', () => {
  const filter = filterOf(refuse(EACCES), X86_64.mkdir, X86_64.mkdirat);
  const path = join(folder, 'made');
  assert.equal(exitCode(planFor(shell('mkdir "$1" 2>/dev/null || exit 3', path), { filter })), 3);
});

void test('a step that fails is named', () => {
  assertFails(planFor(['/nonexistent/command']), 'execve', ENOENT);
  assertFails(planFor([folder]), 'execve', EACCES);
  assertFails(planFor(['true'], { filter: Buffer.alloc(8) }), 'seccomp', EINVAL);
  assertFails(planFor(['true'], { filter: Buffer.alloc(0) }), 'seccomp', EINVAL);
  const notRuleset = openSync('/dev/null', 'r');
  try {
    assertFails(planFor(['true'], { landlock: true }), 'landlock_restrict_self', 77 /* EBADFD */, notRuleset);
  } finally {
    closeSync(notRuleset);
  }
});

void test('a capability that the caller lacks is not kept in silence', (t) => {
  const lacked = ~BigInt(`0x${statusField('self', 'CapPrm')}`) & 0x1ff_ffff_ffffn;
  if (lacked === 0n) return t.skip('this process lacks no capability');
  assertFails(planFor(['true'], { dropCapabilities: lacked }), 'capset', EPERM);
});

void test('a plan that contradicts itself is refused', () => {
  assert.throws(() => launch(planFor(['true'], { listener: true })), RangeError);
  assert.throws(() => launch(planFor(['true'], { signalScope: true })), RangeError);
  assert.throws(() => launch(planFor(['true'], { landlock: true })), RangeError);
  assert.throws(() => launch(planFor(['true'], { filter: Buffer.alloc(9) })), RangeError);
  assert.throws(() => launch(planFor(['true', 'a\0b'])), RangeError);
});

void test('a script without #! is run by the shell', () => {
  const script = join(folder, 'script');
  const file = join(folder, 'words');
  writeFileSync(script, 'printf "%s|" "$0" "$@" >words\n', { mode: 0o755 });
  const plan = planFor([script, 'a b', '', 'c']);
  const previous = process.cwd();
  process.chdir(folder);
  try {
    assert.equal(exitCode(plan), 0);
    assert.equal(readFileSync(file, 'utf8'), `${script}|a b||c|`);
    mkdirSync('-x');
    writeFileSync('-x/script', 'printf "%s|" "$0" "$@" >words\n', { mode: 0o755 });
    assert.equal(exitCode(planFor(['-x/script', 'd'])), 0);
    assert.equal(readFileSync(file, 'utf8'), './-x/script|d|');
  } finally {
    process.chdir(previous);
  }
});

void test('the launcher starts from a file where memory will not do', () => {
  assert.equal(exitCode(planFor(shell('exit 8')), { imageFrom: ['file'] }), 8);
  const left = readdirSync(tmpdir()).filter((name) => /^secfilt-[0-9a-f]{24}$/.test(name));
  assert.deepEqual(left, []);
  // An outer launch whose filter knows no memfd_create(2).
  for (const errno of [EPERM, 38 /* ENOSYS */]) {
    const filter = filterOf(refuse(errno), X86_64.memfd_create);
    const words = [process.execPath, fixture, 'plain', ...shell('exit 9')];
    assert.equal(exitCode(planFor(words, { filter })), 9);
  }
});

void test('when nothing can be executed the error says so', () => {
  assert.throws(() => launch(planFor(['true']), { imageFrom: [] }), LaunchError);
});

function descriptorCount(): number {
  return readdirSync('/proc/self/fd').length;
}

void test('200 launches leave no descriptor and no process behind', () => {
  run(planFor(['true']));
  const before = descriptorCount();
  for (let index = 0; index < 200; index += 1) {
    const plan = index % 2 === 0 ? planFor(['true']) : planFor(['/nonexistent/command']);
    assert.equal(run(plan).end.kind, 'exit');
  }
  assert.equal(descriptorCount(), before);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statusField(Number(name), 'PPid') === String(process.pid));
  assert.deepEqual(children, []);
});
