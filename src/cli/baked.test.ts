import assert from 'node:assert/strict';
import { test } from 'node:test';
import { X86_64 } from '../linux/syscalls.ts';
import { buildImage } from '../launch/image.ts';
import { withNote } from '../launch/note.ts';
import { type Baked, bakedText, readBaked } from './baked.ts';

const IMAGE = buildImage([{ name: 'exit_group', number: X86_64.exit_group, arguments: [0] }]);

void test('what is baked is read again, to the byte', () => {
  const word = Buffer.from([0xff, 0x22, 0x5c, 0x0a, 0xc3, 0xa4]);
  const client: Baked = {
    version: '1',
    kind: 'client',
    options: [Buffer.from('--read-only'), word],
    command: [word, Buffer.alloc(0)],
    socket: Buffer.from('/run/s'),
    fallback: word,
  };
  assert.deepEqual(readBaked(withNote(IMAGE, bakedText(client))), client);
  const kernel: Baked = { version: '1', kind: 'kernel', options: [], command: [] };
  assert.deepEqual(readBaked(withNote(IMAGE, bakedText(kernel))), kernel);
});

void test('a note that says something else is none', () => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"version":1,"kind":"kernel","options":[],"command":[]}',
    '{"version":"1","kind":"other","options":[],"command":[]}',
    '{"version":"1","kind":"kernel","options":[1],"command":[]}',
    '{"version":"1","kind":"kernel","options":[]}',
  ])
    assert.equal(readBaked(withNote(IMAGE, Buffer.from(text))), undefined, text);
});
