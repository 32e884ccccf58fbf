import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, secfiltWords } from '../support/run.ts';
import { who } from '../support/environment.ts';

void test(`the limit of open files is the shell's, although Node raises its own (${who})`, async () => {
  const words = secfiltWords(['--read-only', 'sh', '-c', 'ulimit -Sn; ulimit -Hn']);
  const script = 'ulimit -Sn 500; ulimit -Hn 2000; "$@"; exit $?';
  const { code, stdout, stderr } = await run(['sh', '-c', script, 'sh', ...words]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '500\n2000\n', stderr: '' });
});
