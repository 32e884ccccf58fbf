import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { executedFiles } from './executed-files.ts';

void test('scripts, their interpreters and the loader are found, however they are named', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'executed-')));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string | Buffer): void => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  };
  write('plain', 'echo\n');
  write('script', `#! ${folder}/link -x\n`);
  write('circle', `#!${folder}/circle`);
  write('missing', '#!/nowhere/at/all\n');
  write('elf', Buffer.concat([Buffer.from('\x7fELF\x02\x01', 'latin1'), Buffer.alloc(10, 0xff)]));
  symlinkSync('plain', join(folder, 'link'));
  const shell = executedFiles(Buffer.from('/bin/sh')).map(String);
  assert.equal(shell[0], realpathSync('/bin/sh'));
  const found = (name: string): string[] => executedFiles(Buffer.from(name), folder).map(String);
  const at = (...names: string[]): string[] => names.map((name) => join(folder, name));
  assert.deepEqual(found('./plain'), [...at('plain'), ...shell]);
  assert.deepEqual(found('./script'), [...at('script', 'plain'), ...shell]);
  assert.deepEqual(found('./missing'), at('missing'));
  assert.deepEqual(found('./elf'), at('elf'));
  assert.equal(new Set(found('./circle')).size, 1);
  assert.deepEqual(found('./none'), []);
  const node = executedFiles(Buffer.from(process.execPath)).map(String);
  assert.equal(node[0], realpathSync(process.execPath));
  assert.match(node[1] ?? '', /ld-(linux|musl)/);
});
