/** `secfilt --serve`: a supervisor in the foreground, for the commands of all clients that come to its socket. */
import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { readProcText } from '../linux/files.ts';
import { close, exitNow } from '../linux/libc.ts';
import { handedListener, tellManager } from '../linux/service-manager.ts';
import { connectTo, listenAt } from '../linux/unix-listener.ts';
import { ownDirectory, usualSocket } from '../service/place.ts';
import { Service } from '../service/service.ts';
import { Loop } from '../supervise/engines/loop.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import { canReadMemory } from '../supervise/engines/probe-features.ts';
import { identifySelf, protectSelf } from '../supervise/engines/self.ts';
import { JUDGES } from '../supervise/judges.ts';
import { canCopyDescriptors } from '../supervise/target/descriptor.ts';
import { endWatch, startWatch } from '../supervise/watch.ts';
import type { Assignment } from './assignments.ts';
import { givenPath } from './given-path.ts';
import { openLog } from './open-reports.ts';
import { openScreen } from '../report/sink.ts';
import { rawArguments } from './raw-arguments.ts';
import { readCommandLine } from './command-line.ts';
import { makePolicy } from './make-policy.ts';
import { servedByWords, servedPolicy, type ServiceReports } from './served-policy.ts';
import type { Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** Opens that wait hold a thread each (files/waiting-open.ts), and are of many sandboxes. */
export const THREADS = '64';
/** One less than unix(7) says: until it listens its name is longer. */
const LONGEST_PATH = 106;
/** Milliseconds that the commands have after SIGTERM. */
const GRACE = 5000;

/** Serves until a signal ends it, and ends this process. Throws a UsageError. */
export async function serve(settings: Settings, given: Assignment): Promise<never> {
  process.env['UV_THREADPOOL_SIZE'] ??= THREADS;
  refuseOtherEngines(settings);
  const path = given.text === '' ? Buffer.from(usualSocket(process.env)) : givenPath(given);
  const identity = identifySelf();
  const features = probeKernel(process.env);
  const obstacle = features.listener ? obstacleToLooking() : 'this kernel has no seccomp user notification';
  if (obstacle !== undefined)
    throw new UsageError({ option: given.spelling, problem: `cannot serve: ${obstacle}` });
  const reports = await openServiceReports(settings, path);
  const say = (line: string): void => reports.screen.write(`secfilt: ${line}`);
  const fault = (error: unknown): void =>
    say(`a call was refused for a fault of secfilt itself: ${String(error)}`);
  let own = settings;
  // A policy that cannot be is said now, not to the first client.
  await servedPolicy(own, [], reports);
  protectSelf();
  startWatch();
  const loop = new Loop();
  const socket = handedListener(process.env) ?? listen(given, path);
  const service = new Service(
    {
      loop,
      supervisor: { identity, features, judges: JUDGES, fault },
      policyOf: (options) =>
        options === undefined ? servedPolicy(own, ownWords(), reports) : servedByWords(options, reports),
      declined: (why) => {
        if (settings.verbose) say(`somebody was not served: ${why}`);
      },
    },
    socket,
    path,
  );
  process.on('SIGHUP', () => {
    reload().then(
      (read) => (own = read),
      (error: unknown) => say(`the policy stays as it was: ${String(error)}`),
    );
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => endSoon(loop, service));
  tellManager(process.env, 'READY=1');
  await loop.run(
    () => service.isGone,
    () => {},
  );
  endWatch();
  if (settings.verbose) say(`${service.served} commands were started`);
  reports.log?.close();
  return exitNow(0);
}

function refuseOtherEngines({ engine, learn, ask }: Settings): void {
  if (ask) {
    const hint = 'programs that use the library are asked';
    throw new UsageError({ option: ask.spelling, problem: 'does not go with --serve', hint });
  }
  if (engine === 'trace' || engine === 'kernel') {
    const hint = 'leave it out: the engine of a service is notify';
    throw new UsageError({ option: '--engine', word: engine, problem: 'does not go with --serve', hint });
  }
  if (learn) {
    const hint = 'learn from the command itself, without a service';
    throw new UsageError({ option: learn.spelling, problem: 'does not go with --serve', hint });
  }
}

/** Its clients' commands are not its children. Undefined: nothing is in the way. */
export function obstacleToLooking(): string | undefined {
  const status = readProcText('/proc/self/status');
  // Landlock alone does not show in /proc, but takes no_new_privs: all others would be like somebody in such a sandbox.
  if (typeof status === 'number' || /^NoNewPrivs:\t1$/m.test(status))
    return 'no new privileges are permitted here (no_new_privs), so that nobody can be told from who is confined';
  if (!canReadMemory()) return 'process_vm_readv is not permitted here';
  if (!canCopyDescriptors()) return 'pidfd_getfd is not permitted here';
  const scope = readProcText('/proc/sys/kernel/yama/ptrace_scope');
  if (typeof scope === 'number' || Number(scope) === 0 || process.geteuid?.() === 0) return undefined;
  return 'only parents may look into processes here (kernel.yama.ptrace_scope)';
}

async function openServiceReports(settings: Settings, path: Buffer): Promise<ServiceReports> {
  const { log, verbose, quiet } = settings;
  const place = Buffer.from(dirname(path.toString('latin1')), 'latin1');
  const policy = await makePolicy(settings.policy);
  return { log: log && openLog(log, policy), screen: openScreen(), verbose, quiet, place };
}

/** Throws a UsageError where the directory is not ours alone, or somebody serves there. */
function listen({ spelling }: Assignment, path: Buffer): number {
  try {
    ownDirectory(dirname(path.toString('latin1')));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError({ option: spelling, problem: `cannot listen: ${why}` });
  }
  if (path.length > LONGEST_PATH) {
    const problem = `cannot listen: a socket's path has at most ${LONGEST_PATH} bytes`;
    throw new UsageError({ option: spelling, problem });
  }
  const other = connectTo(path);
  if (other >= 0) {
    close(other);
    throw new UsageError({ option: spelling, problem: 'cannot listen: a service is there already' });
  }
  // It has its name once it listens, in the place of what one that was killed has left there.
  const unnamed = Buffer.concat([path, Buffer.from('~')]);
  rmSync(unnamed, { force: true });
  const socket = listenAt(unnamed);
  renameSync(unnamed, path);
  return socket;
}

/** The command line once more: config files may say something else by now. */
async function reload(): Promise<Settings> {
  const commandLine = await readCommandLine(rawArguments());
  if (commandLine.kind !== 'serve') throw new Error('it is no longer that of a service');
  await makePolicy(commandLine.settings.policy);
  return commandLine.settings;
}

function ownWords(): Buffer[] {
  return rawArguments().map((word) => Buffer.from(word, 'latin1'));
}

/** The commands are told first, and ended when they had their time, or when this is asked for again. */
function endSoon(loop: Loop, service: Service): void {
  tellManager(process.env, 'STOPPING=1');
  if (!service.tell()) return service.end();
  loop.later(GRACE, () => service.end());
}
