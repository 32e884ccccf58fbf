import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMadeUp } from './made-up-names.ts';

const NOBODY = 1;
const LONG_NUMBER = 100;
const isGuessed = (name: string, tid = NOBODY): boolean => isMadeUp(Buffer.from(`/srv/${name}`), tid);

void test('isMadeUp() tells names by chance, by the clock and by a number of a process from those that people give', () => {
  for (const name of [
    'tmp.k3Xw9aPq0z',
    'tmpab12_d_e',
    '.tmpAbCdEf',
    'tmp_obj_a1B2c3',
    'sedG7xk2Q',
    'go-build1234567890',
    '3f2b8c1e-9d4a-4c6b-8f0e-7a5d2c1b0e9f',
    'f.1764410000',
    'log-20261129',
  ])
    assert.ok(isGuessed(name), name);
  for (const name of [
    'notes',
    'Makefile',
    'README.md',
    'package-lock.json',
    'HelloWorld.java',
    'libfoo.so.1.2.3',
    'sha256sums',
    'tmp',
    'template.html',
    'report-2026.txt',
    'a.out',
  ])
    assert.ok(!isGuessed(name), name);
});

void test('isMadeUp() knows the numbers of a process and of its parents', (t) => {
  if (process.ppid < LONG_NUMBER || process.pid < LONG_NUMBER) return t.skip('the numbers are too short');
  assert.ok(isGuessed(`f.${process.pid}`, process.pid));
  assert.ok(isGuessed(`${process.ppid}.lock`, process.pid));
  assert.ok(!isGuessed(`f${process.pid}0`.slice(0, 3), process.pid));
});

void test('isMadeUp() guesses most of what mkdtemp(3) fills in', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const random = (): string =>
    Array.from({ length: 6 }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
  const names = Array.from({ length: 2000 }, () => Buffer.from(`/srv/x-${random()}`));
  const [guessed, exclusive] = [false, true].map(
    (isExclusive) => names.filter((name) => isMadeUp(name, NOBODY, isExclusive)).length,
  );
  assert.ok(guessed !== undefined && guessed > 1500, String(guessed));
  assert.ok(exclusive !== undefined && exclusive > 1900, String(exclusive));
});
