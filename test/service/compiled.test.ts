/** An executable that --compile has made for a service, with one that runs and with none. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { secfiltScript, who } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { until } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

void test(`a service that runs serves just the policy that was compiled; where none does secfilt is executed (${who})`, async (t) => {
  const root = temporaryDirectory(t);
  const a = join(root, 'a');
  mkdirSync(a);
  mkdirSync(join(root, 'secfilt'), { mode: 0o700 });
  const env = { XDG_RUNTIME_DIR: root };
  const file = join(root, 'compiled');
  const script = 'echo "$1" > a/f; echo "$1" > out; exit 3';
  const words = [`--compile=${file}`, '--write-allow=a', '--', '/bin/sh', '-c', script, 'sh'];
  const made = await run([process.execPath, secfiltScript, ...words], { cwd: root, env });
  assert.equal(made.code, 0, made.stderr);
  const service = start([process.execPath, secfiltScript, '--serve', '--read-only'], { env, cwd: '/' });
  t.after(() => service.kill('SIGKILL'));
  const socket = join(root, 'secfilt', 'service');
  await until('a service that listens', () => existsSync(socket) || service.exitCode !== null);
  // Without Node in PATH nothing but the service could have done it.
  const served = await run([file, 'served'], { cwd: root, env: { ...env, PATH: '/nonexistent' } });
  assert.equal(served.code, 3, served.stderr);
  assert.equal(readFileSync(join(a, 'f'), 'latin1'), 'served\n');
  assert.equal(existsSync(join(root, 'out')), false);
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await ended;
  const alone = await run([file, 'alone'], { cwd: root, env: { ...env, PATH: '/nonexistent' } });
  assert.equal(alone.code, 125);
  assert.match(alone.stderr, /^secfilt: cannot start: node is not in PATH/);
  const instead = await run([file, 'instead'], { cwd: root, env });
  assert.equal(instead.code, 3, instead.stderr);
  assert.equal(readFileSync(join(a, 'f'), 'latin1'), 'instead\n');
  assert.equal(existsSync(join(root, 'out')), false);
});
