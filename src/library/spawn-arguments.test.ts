import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSpawnArguments } from './spawn-arguments.ts';

const pipes = ['pipe', 'pipe', 'pipe'];

void test('readSpawnArguments() reads what spawn() takes', () => {
  const rows: [unknown[], string, string[], unknown][] = [
    [['ls'], 'ls', [], { stdio: pipes }],
    [['ls', ['-l', 1]], 'ls', ['-l', '1'], { stdio: pipes }],
    [['ls', { cwd: '/' }], 'ls', [], { cwd: '/', stdio: pipes }],
    [['ls', undefined, { cwd: '/' }], 'ls', [], { cwd: '/', stdio: pipes }],
    [['ls', ['a'], { stdio: 'inherit' }], 'ls', ['a'], { stdio: ['inherit', 'inherit', 'inherit'] }],
    [['ls', [], { stdio: ['ignore', 1] }], 'ls', [], { stdio: ['ignore', 1, 'pipe'] }],
    [['ls', [], { stdio: [0, 1, 2, 'ignore'] }], 'ls', [], { stdio: [0, 1, 2] }],
    [['ls', ['a b'], { shell: true }], '/bin/sh', ['-c', 'ls a b'], { stdio: pipes }],
    [['ls', { shell: '/bin/bash' }], '/bin/bash', ['-c', 'ls'], { stdio: pipes }],
  ];
  for (const [words, file, args, options] of rows)
    assert.deepEqual(readSpawnArguments(words), { file, args, options });
});

void test('readSpawnArguments() refuses what would not reach the command', () => {
  const rows: [unknown[], RegExp][] = [
    [[''], /not empty/],
    [[1], /a string/],
    [['a\0'], /NUL/],
    [['ls', ['a\0']], /argument 0 .*NUL/],
    [['ls', [{}]], /argument 0/],
    [['ls', 'x'], /options .* object/],
    [['ls', [], { argv0: 'x' }], /argv0/],
    [['ls', [], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] }], /'ipc' cannot/],
    [['ls', [], { stdio: [0, 1, 2, 3] }], /only standard input/],
    [['ls', [], { stdio: [0, 1, 2, 'pipe'] }], /only standard input/],
  ];
  for (const [words, message] of rows)
    assert.throws(() => readSpawnArguments(words), { name: 'TypeError', message });
});
