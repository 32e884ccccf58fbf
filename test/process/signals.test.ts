/**
 * Signals that are sent to secfilt are meant for its command.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { secfiltWords, start } from '../support/run.ts';

/** Resolves when the command has said a word. */
async function said(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes(word)) resolve();
    });
    child.once('close', () => reject(new Error(`ended without saying ${word}, but ${text}`)));
  });
}

function sandboxed(script: string): ChildProcess {
  return start(secfiltWords(['--read-only', '--', 'bash', '-c', script]));
}

for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
  void test(`${name} reaches the command, whose handler runs`, async () => {
    const child = sandboxed(
      `trap 'echo heard; exit 7' ${name.slice(3)}; echo ready; while :; do sleep 0.05; done`,
    );
    await said(child, 'ready');
    const heard = said(child, 'heard');
    child.kill(name);
    await heard;
    const [code, signal] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode, null];
    assert.deepEqual([code, signal], [7, null]);
  });
}

for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
  void test(`${name} ends a command that does not handle it`, async () => {
    const child = sandboxed('ulimit -c 0; echo ready; exec sleep 100');
    await said(child, 'ready');
    const ended = once(child, 'exit');
    child.kill(name);
    assert.deepEqual(await ended, [null, name]);
  });
}

void test('a command that ignores SIGTERM goes on', async () => {
  const child = sandboxed(`trap '' TERM; echo ready; sleep 0.7; echo still here; exit 4`);
  await said(child, 'ready');
  const ended = once(child, 'exit');
  const still = said(child, 'still here');
  child.kill('SIGTERM');
  await still;
  assert.deepEqual(await ended, [4, null]);
});
