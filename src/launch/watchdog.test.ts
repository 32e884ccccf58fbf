import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { close } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { endWatchdog, go, receiveHandover } from './handover.ts';
import { launch } from './launch.ts';
import {
  closeAll,
  filterOf,
  isAlive,
  NOTIFY_MKDIR,
  planFor,
  reap,
  refuse,
  run,
  signalRuleset,
  until,
} from './testing.ts';

const EPERM = 1;

const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
after(() => rmSync(folder, { recursive: true }));
const fixture = join(import.meta.dirname, 'fixture.js');

/** Starts a daemon that has left session and parent behind, and stays itself. */
const WITH_DAEMON =
  'setsid sh -c "echo \\$\\$ >daemon.new; mv daemon.new daemon; exec sleep 300" & exec sleep 300';

/** A supervisor of WITH_DAEMON that has been killed, and who was there before. */
async function killSupervisor(
  mode: string,
): Promise<{ watchdog: number; daemon: number; bystander: ChildProcess }> {
  const file = join(folder, 'daemon');
  rmSync(file, { force: true });
  const bystander = spawn('sleep', ['300']);
  const supervisor = spawn(process.execPath, [fixture, mode, 'sh', '-c', WITH_DAEMON], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  supervisor.stdout.on('data', (chunk) => (said += String(chunk)));
  await until('the daemon', () => existsSync(file) && said.endsWith('\n'));
  const daemon = Number(readFileSync(file, 'utf8'));
  const watchdog = Number(said);
  assert.ok(isAlive(daemon) && isAlive(watchdog));
  supervisor.kill('SIGKILL');
  await until('the end of the watchdog', () => !isAlive(watchdog));
  return { watchdog, daemon, bystander };
}

void test('kill -9 of the supervisor ends the sandbox to the last process, and nobody else', async (t) => {
  const ruleset = signalRuleset();
  if (ruleset === undefined) return t.skip('Landlock cannot scope signals here');
  close(ruleset);
  const { daemon, bystander } = await killSupervisor('scoped');
  await until('the end of the daemon', () => !isAlive(daemon));
  assert.ok(isAlive(bystander.pid ?? 0));
  bystander.kill();
});

void test('without a signal scope the watchdog kills nobody', async () => {
  const { daemon, bystander } = await killSupervisor('watched');
  assert.ok(isAlive(daemon));
  assert.ok(isAlive(bystander.pid ?? 0));
  process.kill(daemon, 'SIGKILL');
  bystander.kill();
});

void test('an orderly end leaves or ends what still runs in the sandbox', async (t) => {
  const ruleset = signalRuleset();
  if (ruleset === undefined) return t.skip('Landlock cannot scope signals here');
  const file = join(folder, 'left');
  const words = ['sh', '-c', `setsid sleep 300 >/dev/null & echo $! >${file}`];
  for (const sandbox of ['leave', 'end'] as const) {
    const plan = planFor(words, { filter: NOTIFY_MKDIR, listener: true, landlock: true, signalScope: true });
    const launched = launch(plan, { rulesetDescriptor: ruleset });
    const { listener, watchdog } = receiveHandover(launched);
    go(launched);
    reap(launched);
    const daemon = Number(readFileSync(file, 'utf8'));
    assert.ok(isAlive(daemon));
    endWatchdog(launched, watchdog, sandbox);
    if (sandbox === 'end') await until('the end of the daemon', () => !isAlive(daemon));
    assert.equal(isAlive(daemon), sandbox === 'leave');
    if (sandbox === 'leave') process.kill(daemon, 'SIGKILL');
    close(listener);
    closeAll({ ...launched, controlSocket: undefined });
  }
  close(ruleset);
});

void test('the command cannot look into the watchdog', () => {
  const see =
    'cat /proc/$$/environ >/dev/null || exit 1; read pid <pid; cat /proc/$pid/environ >/dev/null 2>&1 && exit 2; exit 0';
  const launched = launch(
    planFor(['sh', '-c', `cd ${folder}; ${see}`], {
      filter: NOTIFY_MKDIR,
      listener: true,
      dropCapabilities: process.getuid?.() === 0 ? 0n : undefined,
    }),
  );
  const { listener, watchdog } = receiveHandover(launched);
  writeFileSync(join(folder, 'pid'), `${watchdog.pid}\n`);
  go(launched);
  assert.deepEqual(reap(launched), { kind: 'exit', code: 0 });
  endWatchdog(launched, watchdog, 'leave');
  close(listener);
  closeAll({ ...launched, controlSocket: undefined });
});

void test('the command cannot signal the watchdog', (t) => {
  const ruleset = signalRuleset();
  if (ruleset === undefined) return t.skip('Landlock cannot scope signals here');
  const shoot =
    'read pid <pid; for s in KILL STOP TERM 0; do kill -$s $pid 2>/dev/null && exit 2; done; kill -KILL -1; exit 0';
  const words = ['sh', '-c', `cd ${folder}; ${shoot}`];
  const plan = planFor(words, { filter: NOTIFY_MKDIR, listener: true, landlock: true, signalScope: true });
  const launched = launch(plan, { rulesetDescriptor: ruleset });
  const { listener, watchdog } = receiveHandover(launched);
  writeFileSync(join(folder, 'pid'), `${watchdog.pid}\n`);
  go(launched);
  assert.deepEqual(reap(launched), { kind: 'exit', code: 0 });
  assert.ok(isAlive(watchdog.pid));
  endWatchdog(launched, watchdog, 'leave');
  close(listener);
  close(ruleset);
  closeAll({ ...launched, controlSocket: undefined });
});

void test('the command cannot end the watchdog', (t) => {
  const ruleset = signalRuleset();
  if (ruleset === undefined) return t.skip('Landlock cannot scope signals here');
  const words = [
    'sh',
    '-c',
    `read pid <${folder}/pid; kill -9 $pid 2>/dev/null && exit 1; kill -9 -1; exit 0`,
  ];
  const plan = planFor(words, { filter: NOTIFY_MKDIR, listener: true, landlock: true, signalScope: true });
  const launched = launch(plan, { rulesetDescriptor: ruleset });
  const { listener, watchdog } = receiveHandover(launched);
  writeFileSync(join(folder, 'pid'), `${watchdog.pid}\n`);
  go(launched);
  assert.deepEqual(reap(launched), { kind: 'exit', code: 0 });
  assert.ok(isAlive(watchdog.pid));
  endWatchdog(launched, watchdog, 'leave');
  for (const descriptor of [listener, ruleset]) close(descriptor);
  closeAll({ ...launched, controlSocket: undefined });
});

void test('a step of the watchdog that fails is named', () => {
  // An outer launch takes away what the watchdog needs before the handover, and after.
  const said = join(folder, 'said');
  for (const [step, number] of [
    ['setsid', X86_64.setsid],
    ['sendmsg', X86_64.sendmsg],
  ] as const) {
    const filter = filterOf(refuse(EPERM), number);
    const words = ['sh', '-c', 'exec "$@" 2>"$0"', said, process.execPath, fixture, 'watched', 'true'];
    assert.deepEqual(run(planFor(words, { filter })).end, { kind: 'exit', code: 125 });
    const text = readFileSync(said, 'utf8');
    assert.ok(text.startsWith(`watchdog: ${step}: operation not permitted (EPERM); `), text);
  }
});
