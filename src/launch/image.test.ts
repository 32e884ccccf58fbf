import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { X86_64 } from '../linux/syscalls.ts';
import { stringArrayBlob, stringBlob, zeros } from './blobs.ts';
import { buildImage } from './image.ts';
import type { Row } from './image.ts';

const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs the rows as a program of their own, with a pipe as standard output. */
function run(rows: readonly Row[], input = ''): { status: number | null; stdout: Buffer } {
  const file = join(folder, 'program');
  writeFileSync(file, buildImage(rows), { mode: 0o700 });
  const { status, stdout } = spawnSync(file, { input, env: { NAME: 'value' } });
  return { status, stdout };
}

function exit(code: number): Row {
  return { name: 'exit_group', number: X86_64.exit_group, arguments: [code] };
}

const failing: Row = { name: 'close', number: X86_64.close, arguments: [-1], report: 1 };
const EBADF = 9;

void test('readelf takes the image for an executable without a writable and executable part', (t) => {
  const file = join(folder, 'image');
  writeFileSync(file, buildImage([exit(0)]));
  const { error, stdout, stderr } = spawnSync('readelf', ['-W', '-h', '-l', file], { encoding: 'utf8' });
  if (error !== undefined) return t.skip('readelf is not installed');
  assert.equal(stderr, '');
  assert.match(stdout, /Type: +EXEC/);
  const flags = [...stdout.matchAll(/^ +(LOAD|GNU_STACK) +(?:0x[0-9a-f]+ +){5}([RWE ]{3})/gm)];
  assert.deepEqual(
    flags.map(([, type, flag]) => `${type} ${flag}`),
    ['LOAD R E', 'LOAD RW ', 'GNU_STACK RW '],
  );
});

void test('rows are done in order, with all their arguments', () => {
  const text = stringBlob('one');
  assert.deepEqual(
    run([
      { name: 'write', number: X86_64.write, arguments: [1, { blob: text }, 3] },
      { name: 'write', number: X86_64.write, arguments: [1, { blob: text, offset: 1 }, 2n] },
      exit(7),
    ]),
    { status: 7, stdout: Buffer.from('onene') },
  );
  // mmap(2) fails unless the fifth and the sixth are right.
  const file = {
    name: 'openat',
    number: X86_64.openat,
    arguments: [-100, { blob: stringBlob('/proc/self/exe') }],
  };
  const map: Row = { name: 'mmap', number: X86_64.mmap, arguments: [0, 4096, 1, 2, 0, 0], report: 1 };
  assert.equal(run([{ ...file, result: { row: map, argument: 4 } }, map, exit(0)]).status, 0);
  assert.equal(run([file, map, exit(0)]).status, 125);
  const askew: Row = { ...map, arguments: [0, 4096, 1, 2, 0, 1] };
  assert.equal(run([{ ...file, result: { row: askew, argument: 4 } }, askew, exit(0)]).status, 125);
});

void test('a result goes to an argument of a later row', () => {
  const close: Row = { name: 'close', number: X86_64.close, arguments: [-1], report: 1 };
  const dup: Row = {
    name: 'dup',
    number: X86_64.dup,
    arguments: [1],
    result: { row: close, argument: 0 },
  };
  assert.deepEqual(run([dup, close, exit(3)]), { status: 3, stdout: Buffer.alloc(0) });
});

void test('a failure ends the program with a record of row and errno', () => {
  const { status, stdout } = run([
    { name: 'getpid', number: X86_64.getpid, arguments: [] },
    failing,
    exit(0),
  ]);
  assert.equal(status, 125);
  assert.equal(stdout.readUInt32LE(0), 1);
  assert.equal(stdout.readInt32LE(4), -EBADF);
  assert.equal(stdout.length, 8);
});

void test('tolerated failures are passed over, others are not', () => {
  assert.equal(run([{ ...failing, tolerate: EBADF }, exit(4)]).status, 4);
  assert.equal(run([{ ...failing, tolerate: 'all' }, exit(4)]).status, 4);
  assert.equal(run([{ ...failing, tolerate: EBADF + 1 }, exit(4)]).status, 125);
});

void test('a result of 0 stops the program or takes it elsewhere, when the row says so', () => {
  const read: Row = { name: 'read', number: X86_64.read, arguments: [0, { blob: zeros(1) }, 1] };
  const elsewhere = exit(6);
  assert.equal(run([{ ...read, stopAtZero: true }, exit(5)]).status, 125);
  assert.equal(run([{ ...read, stopAtZero: true }, exit(5)], 'x').status, 5);
  assert.equal(run([{ ...read, onZero: elsewhere }, exit(5), elsewhere]).status, 6);
  assert.equal(run([{ ...read, onZero: elsewhere }, exit(5), elsewhere], 'x').status, 5);
});

void test('the environment is the one the program was started with', () => {
  const execute: Row = {
    name: 'execve',
    number: X86_64.execve,
    arguments: [
      { blob: stringBlob('/bin/sh') },
      { blob: stringArrayBlob(['sh', '-c', 'echo $NAME "$1"', '', 'a b']) },
    ],
    environment: true,
  };
  assert.deepEqual(run([execute]), { status: 0, stdout: Buffer.from('value a b\n') });
});

void test('a table without an end ends with 125', () => {
  assert.equal(run([{ name: 'getpid', number: X86_64.getpid, arguments: [] }]).status, 125);
});

void test('what no program can be made of is refused', () => {
  assert.throws(() => buildImage([{ ...failing, onZero: exit(0) }]), RangeError);
  assert.throws(() => buildImage([{ ...failing, arguments: [0, 0, 0, 0, 0, 0, 0] }]), RangeError);
  assert.throws(() => stringBlob('a\0b'), RangeError);
});
