/**
 * What secfilt says about refused calls: with -v, or when the command failed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

void test('nothing is said when nothing was refused', async () => {
  const { code, stdout, stderr } = await secfilt([
    '--read-only',
    '--',
    'bash',
    '-c',
    'echo fine > /dev/null; exit 3',
  ]);
  assert.deepEqual({ code, stdout, stderr }, { code: 3, stdout: '', stderr: '' });
});

void test('the kernel without Landlock is named with -v', async () => {
  const { stderr } = await secfilt(['-v', '--read-only', '--', 'true'], { env: { SECFILTER_LANDLOCK: '0' } });
  assert.match(stderr, /Landlock/);
  const { stderr: quiet } = await secfilt(['--read-only', '--', 'true'], {
    env: { SECFILTER_LANDLOCK: '0' },
  });
  assert.equal(quiet, '');
});

void test('what the target named is escaped before it reaches the terminal', async (t) => {
  const directory = temporaryDirectory(t);
  const name = join(directory, 'a\u{1b}[31m\nb');
  writeFileSync(name, 'kept');
  const { stderr } = await secfilt([
    '-v',
    '--read-only',
    '--',
    'bash',
    '-c',
    'echo x 2>/dev/null > "$0"',
    name,
  ]);
  assert.ok(!stderr.includes('\u{1b}'), JSON.stringify(stderr));
  assert.ok(!stderr.includes('\nb'), JSON.stringify(stderr));
});
