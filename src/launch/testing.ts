/** What the tests of this folder share. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuleset, landlockAbi, Scope } from '../linux/landlock.ts';
import { close } from '../linux/libc.ts';
import { waitProcess } from '../linux/spawn.ts';
import type { ProcessEnd } from '../linux/spawn.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { resolveCommand } from './command.ts';
import { go, launchOutcome } from './handover.ts';
import { launch } from './launch.ts';
import type { LaunchOptions, Launched } from './launch.ts';
import type { LaunchError } from './launch-error.ts';
import type { LaunchPlan } from './rows.ts';

export const ALLOW = 0x7fff0000;
export const NOTIFY = 0x7fc00000;

/** Refuses an errno. */
export function refuse(errno: number): number {
  return 0x00050000 | errno;
}

/** A filter that has one action for a few calls and allows the rest. */
export function filterOf(action: number, ...numbers: number[]): Buffer {
  const instructions = [[0x20, 0, 0, 0]]; // load the number
  for (const [index, number] of numbers.entries()) {
    instructions.push([0x15, numbers.length - index, 0, number]); // equal: to the last
  }
  instructions.push([0x06, 0, 0, ALLOW], [0x06, 0, 0, action]);
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, [code = 0, jt = 0, jf = 0, k = 0]] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.set([jt, jf], 8 * index + 2);
    bytes.writeUInt32LE(k, 8 * index + 4);
  }
  return bytes;
}

/** Notifies of mkdir(2) and mkdirat(2). */
export const NOTIFY_MKDIR: Buffer = filterOf(NOTIFY, X86_64.mkdir, X86_64.mkdirat);

/** A plan that restricts nothing. */
export function planFor(words: readonly string[], changes: Partial<LaunchPlan> = {}): LaunchPlan {
  const argv = words.map((word) => Buffer.from(word));
  const found = resolveCommand(words[0] ?? '', process.env['PATH']);
  return {
    command: found.kind === 'found' ? found.path : (argv[0] ?? Buffer.alloc(0)),
    argv,
    filter: undefined,
    listener: false,
    waitKillable: false,
    landlock: false,
    signalScope: false,
    dropCapabilities: undefined,
    ...changes,
  };
}

/** Launches a plan without a listener, and waits for its end. */
export function run(
  plan: LaunchPlan,
  options?: LaunchOptions,
): { end: ProcessEnd; outcome: 'executed' | LaunchError } {
  const launched = launch(plan, options);
  try {
    go(launched);
    return { end: reap(launched), outcome: finalOutcome(launched) };
  } finally {
    closeAll(launched);
  }
}

/** The end of what was launched. */
export function reap({ pidDescriptor }: { readonly pidDescriptor: number }): ProcessEnd {
  const end = waitProcess(pidDescriptor);
  assert.ok(typeof end === 'object');
  return end;
}

/** What came of a launch that has ended. */
export function finalOutcome(launched: Launched): 'executed' | LaunchError {
  const outcome = launchOutcome(launched);
  assert.ok(outcome !== 'pending');
  return outcome;
}

export function closeAll({ pidDescriptor, reportSocket, controlSocket }: Launched): void {
  for (const descriptor of [pidDescriptor, reportSocket, controlSocket]) {
    if (descriptor !== undefined) close(descriptor);
  }
}

/** A ruleset that scopes signals and nothing else; undefined where Landlock cannot. */
export function signalRuleset(): number | undefined {
  const abi = landlockAbi();
  if (abi < 6) return undefined;
  const ruleset = createRuleset({ handledAccessFs: 0, handledAccessNet: 0, scoped: Scope.SIGNAL }, abi);
  assert.ok(ruleset >= 0);
  return ruleset;
}

/** A field of /proc/PID/status. */
export function statusField(pid: number | 'self', field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Whether a process runs; one that nobody has reaped does not. */
export function isAlive(pid: number): boolean {
  const state = statusField(pid, 'State');
  return state !== undefined && !state.startsWith('Z') && !state.startsWith('X');
}

/** Waits until a condition holds. Fails after some seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what} did not come about`);
    await sleep(5);
  }
}
