/** `secfilt --explain`: what would be in force, and which layer holds it. Runs nothing, changes nothing. */
import { close } from '../linux/libc.ts';
import { syscallName, SYSCALL_NAMES, X86_64 } from '../linux/syscalls.ts';
import { resolveCommand } from '../launch/command.ts';
import { variableBytes } from '../linux/environment.ts';
import { explainLacks, explainPromises, type ExplainedPromise, type Lack } from '../plan/explanation.ts';
import { buildFilter } from '../plan/filter/build.ts';
import type { Plan } from '../plan/plan.ts';
import { explainRules, type HeldRule } from '../plan/rule-explanation.ts';
import type { Policy } from '../policy/policy.ts';
import { escapeBytes } from '../report/escape.ts';
import { compile } from '../seccomp/compile.ts';
import { disassemble } from '../seccomp/disassemble.ts';
import type { Expression } from '../seccomp/expression.ts';
import type { Filter } from '../seccomp/filter.ts';
import type { Engine } from '../supervise/engines/choose-engine.ts';
import { makeRuleset } from '../supervise/engines/ruleset.ts';
import { whyNotStarted } from '../supervise/engines/not-started.ts';
import { planRun } from './plan-run.ts';
import type { Settings } from './settings.ts';
import { print } from './print.ts';

export interface ExplainOptions {
  readonly json: boolean;
  /** The compiled filter alone, or in JSON besides. */
  readonly filter: boolean;
  /** May be empty. */
  readonly command: readonly Buffer[];
}

interface Explained {
  readonly engine: Engine;
  /** What speaks against the engines that would have come first. */
  readonly reasons: readonly string[];
  readonly command: string | null;
  readonly promises: readonly ExplainedPromise[];
  /** Each writable path, and who allows changes there. */
  readonly writable: readonly { readonly path: string; readonly by: 'Landlock' | 'supervisor' }[];
  /** Each rule about places, who holds it and why. */
  readonly rules: readonly HeldRule[];
  readonly lacks: readonly Lack[];
  readonly filter: FilterSize;
}

interface FilterSize {
  readonly instructions: number;
  /** How many calls always pass, may be asked about, or are answered by the filter alone. */
  readonly passed: number;
  readonly judged: number;
  readonly byRegisters: number;
  readonly refused: number;
}

/** Prints it, as text or as one JSON object; ends with 125 where no engine could do it. */
export async function explain(settings: Settings, options: ExplainOptions): Promise<void> {
  const { engine, reasons, plan } = await planRun(settings);
  const filter = buildFilter(plan.situation);
  const program = compile(filter);
  const disassembly = options.filter ? disassemble(program, syscallName) : '';
  const explained: Explained = {
    engine,
    reasons,
    command: commandText(options.command[0], plan.policy),
    promises: explainPromises(plan),
    writable: writablePaths(plan),
    rules: explainRules(plan),
    lacks: explainLacks(plan),
    filter: { instructions: program.length, ...countCalls(filter) },
  };
  if (options.json) {
    const lines = options.filter ? { disassembly: disassembly.trimEnd().split('\n') } : {};
    print(`${JSON.stringify({ ...explained, ...lines })}\n`);
  } else print(options.filter ? disassembly : text(explained));
}

function commandText(name: Buffer | undefined, policy: Policy): string | null {
  if (name === undefined) return null;
  const found = resolveCommand(name, variableBytes('PATH', process.env));
  switch (found.kind) {
    case 'notFound':
      return `${escapeBytes(name) || "''"}: command not found`;
    case 'notExecutable':
      return `${escapeBytes(found.path)}: cannot be executed`;
    case 'found':
      return whyNotStarted(policy, found.path) ?? escapeBytes(found.path);
  }
}

/** Found out as a run does it: the ruleset is made, looked at, and never enforced. */
function writablePaths(plan: Plan): Explained['writable'] {
  const { descriptor, writable } = makeRuleset(plan);
  if (descriptor !== undefined) close(descriptor);
  if (plan.policy.files === undefined) return [];
  return writable.map(({ path, backing }) => ({
    path: escapeBytes(path),
    by: backing.kind === 'none' ? 'supervisor' : 'Landlock',
  }));
}

function countCalls(filter: Filter): Omit<FilterSize, 'instructions'> {
  const counts = { passed: 0, judged: 0, byRegisters: 0, refused: 0 };
  for (const name of SYSCALL_NAMES) {
    const kinds = answersOf(filter.calls.get(X86_64[name]) ?? filter.unknown);
    if (kinds.has('notify') || kinds.has('trace')) counts.judged += 1;
    else if (!kinds.has('allow')) counts.refused += 1;
    else if (kinds.size > 1) counts.byRegisters += 1;
    else counts.passed += 1;
  }
  return counts;
}

function answersOf(expression: Expression): Set<string> {
  if (expression.kind !== 'if') return new Set([expression.kind]);
  return new Set([...answersOf(expression.then), ...answersOf(expression.otherwise)]);
}

const LAYER_WIDTH = 12;

function text(explained: Explained): string {
  const { engine, reasons, command, promises, writable, rules, lacks, filter } = explained;
  const lines = [`engine: ${engine}${reasons.length === 0 ? '' : ', because'}`];
  lines.push(...reasons.map((reason) => `  ${reason}`));
  if (command !== null) lines.push(`command: ${command}`);
  lines.push('');
  for (const { promise, held } of promises) {
    lines.push(promise);
    lines.push(...held.map(({ by, how }) => `  ${by.padEnd(LAYER_WIDTH)}${how}`));
  }
  if (writable.length > 0) {
    lines.push('', 'paths that may be changed, and who allows it');
    lines.push(...writable.map(({ path, by }) => `  ${by.padEnd(LAYER_WIDTH)}${path}`));
  }
  if (rules.length > 0) {
    lines.push('', 'rules about places, who holds each and why');
    lines.push(...rules.map(({ by, said, why }) => `  ${by.padEnd(LAYER_WIDTH)}${said}: ${why}`));
  }
  lines.push('', lacks.length === 0 ? 'this kernel lacks nothing of it' : 'this kernel lacks');
  lines.push(...lacks.map(({ lacks: missing, instead }) => `  ${missing}: ${instead}`));
  lines.push(
    '',
    `filter: ${filter.instructions} instructions (--explain=filter shows them); of ${SYSCALL_NAMES.length} calls`,
    `  ${filter.passed} pass, ${filter.judged} may be judged, ${filter.byRegisters} are decided by registers, ${filter.refused} are refused or do not exist`,
    '',
  );
  return lines.join('\n');
}
