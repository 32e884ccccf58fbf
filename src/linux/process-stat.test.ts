import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { getpgrp } from './libc.ts';
import { processStat } from './process-stat.ts';

void test('what is said of this process', () => {
  const self = processStat('self');
  assert.ok(self !== undefined);
  assert.deepEqual([self.parent, self.group, self.state], [process.ppid, getpgrp(), 'R']);
  assert.deepEqual({ ...processStat(process.pid), state: 'R' }, self);
});

void test('a name that looks like fields is none', async () => {
  const child = spawn('bash', ['-c', 'printf ") Z 1 2 (3)" > /proc/$$/comm; echo; read word'], {
    detached: true,
  });
  await once(child.stdout, 'data');
  const { pid } = child;
  assert.ok(pid !== undefined);
  const found = processStat(pid);
  assert.deepEqual([found?.parent, found?.group, found?.session], [process.pid, pid, pid]);
  child.stdin.end();
  await once(child, 'close');
  assert.equal(processStat(pid), undefined);
});
