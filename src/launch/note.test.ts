import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { X86_64 } from '../linux/syscalls.ts';
import { buildImage, isRegionImage } from './image.ts';
import { readNote, withNote } from './note.ts';

const IMAGE = buildImage([{ name: 'exit_group', number: X86_64.exit_group, arguments: [7] }]);

void test('the text of a note is read again, whatever its length', () => {
  for (const text of ['', 'a', 'abcd', 'x'.repeat(70_001)])
    assert.equal(readNote(withNote(IMAGE, Buffer.from(text)))?.toString(), text);
});

void test('a note changes nothing of what is executed, and readelf finds it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
  try {
    const file = join(folder, 'program');
    writeFileSync(file, withNote(IMAGE, Buffer.from('{"text":1}')), { mode: 0o700 });
    assert.equal(spawnSync(file).status, 7);
    const words = ['-W', '-h', '-l', '-S', '-n', file];
    const { error, stdout, stderr } = spawnSync('readelf', words, { encoding: 'utf8' });
    if (error !== undefined) return t.skip('readelf is not installed');
    assert.equal(stderr, '');
    assert.match(stdout, /\.note\.secfilter +NOTE/);
    assert.match(stdout, /^ +secfilter +0x0000000a/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

void test('a client with a note is one, for a service too', () => {
  const region = { address: 0x1000_0000, size: 4096, onFailure: 0x1000_0000 };
  assert.ok(isRegionImage(withNote(buildImage([], region), Buffer.from('{}'))));
  assert.ok(!isRegionImage(withNote(IMAGE, Buffer.from('{}'))));
});

void test('a file of anybody else has no note, and none is read beyond its end', () => {
  const whole = withNote(IMAGE, Buffer.from('{}'));
  for (const file of [Buffer.alloc(0), IMAGE, Buffer.from('#!/bin/sh\n'), Buffer.alloc(200, 0xff)])
    assert.equal(readNote(file), undefined);
  const position = fc.nat({ max: whole.length - 1 });
  fc.assert(
    fc.property(position, fc.nat({ max: 255 }), position, (at, byte, length) => {
      const changed = Buffer.from(whole);
      changed[at] = byte;
      readNote(changed);
      readNote(whole.subarray(0, length));
    }),
  );
});
