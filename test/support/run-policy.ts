/**
 * Runs a command under a policy that is given as a value, where no option says it: `node run-policy.js JSON command…`. Refusals go to
 * standard error, and so does who holds the rules about reading.
 */
import { resolveCommand } from '../../src/launch/command.ts';
import { LaunchError } from '../../src/launch/launch-error.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { EngineError } from '../../src/supervise/engines/engine-error.ts';
import { runCommand } from '../../src/supervise/engines/engines.ts';
import { whyNotStarted } from '../../src/supervise/engines/not-started.ts';
import { probeKernel } from '../../src/supervise/engines/probe.ts';
import { identifySelf } from '../../src/supervise/engines/self.ts';
import { JUDGES } from '../../src/supervise/judges.ts';

/** Paths, as the kernel names them. */
export interface GivenPolicy {
  readonly engine: 'notify' | 'trace' | 'kernel';
  /** Undefined: files are not restricted. */
  readonly writable?: readonly string[];
  readonly readDeny?: readonly string[];
  readonly readAllow?: readonly string[];
  readonly execDeny?: readonly string[];
  readonly execAllow?: readonly string[];
  readonly wantsReports?: boolean;
}

function rules(option: string, allowed: readonly string[] = [], denied: readonly string[] = []): Rule[] {
  const rule = (effect: Rule['effect'], path: string): Rule => ({
    effect,
    place: { kind: 'path', path: Buffer.from(path) },
    said: `--${option}-${effect}=${path}`,
  });
  return [...allowed.map((path) => rule('allow', path)), ...denied.map((path) => rule('deny', path))];
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the test that starts this
const given = JSON.parse(process.argv[2] ?? '{}') as GivenPolicy;
const argv = process.argv.slice(3).map((word) => Buffer.from(word));
const read = rules('read', given.readAllow, given.readDeny);
const execute = rules('exec', given.execAllow, given.execDeny);
const policy: Policy = {
  files: given.writable && { writable: given.writable.map((path) => Buffer.from(path)) },
  ...(read.length > 0 && { read }),
  ...(execute.length > 0 && { execute }),
  network: undefined,
  unixSockets: [],
};
const identity = identifySelf();
const command = resolveCommand(argv[0] ?? '', process.env['PATH']);
if (command.kind !== 'found') throw new Error('no such command');
const why = whyNotStarted(policy, command.path);
if (why !== undefined) {
  process.stderr.write(`secfilt: ${why}\n`);
  process.exit(126);
}
const end = await runCommand({
  engine: given.engine,
  policy,
  features: probeKernel(process.env),
  judges: JUDGES,
  terminals: [],
  identity,
  command: command.path,
  argv,
  logged: false,
  wantsReports: given.wantsReports === true,
  own: [],
  reporter: {
    wantsAllowed: false,
    report: ({ call }) => process.stderr.write(`refused: ${call}\n`),
  },
  fault: (error) => process.stderr.write(`fault: ${String(error)}\n`),
  notice: (line) => process.stderr.write(`${line}\n`),
}).catch((error: unknown) => {
  if (!(error instanceof EngineError)) throw error;
  return error;
});
if (end instanceof LaunchError || end instanceof EngineError) {
  process.stderr.write(`${end.message}\n`);
  process.exitCode = end instanceof EngineError ? 125 : 126;
} else process.exitCode = end.kind === 'exit' ? end.code : 128 + end.signal;
