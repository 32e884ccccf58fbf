/** `secfilt --list-calls`: what becomes of every system call under a policy, on this machine and with the engine that a run would have. */
import { CATALOGUE, type CallClass } from '../plan/catalogue.ts';
import { buildFilter } from '../plan/filter/build.ts';
import type { Action, Expression } from '../seccomp/expression.ts';
import { errnoName } from '../linux/errno.ts';
import { SYSCALL_NAMES, X86_64, type SyscallName } from '../linux/syscalls.ts';
import { planRun } from './plan-run.ts';
import type { Settings } from './settings.ts';
import { print } from './print.ts';

interface Listed {
  readonly number: number;
  readonly name: SyscallName;
  readonly class: CallClass['kind'];
  /** Every answer of the filter; with more than one the registers decide. */
  readonly answers: readonly string[];
  readonly judge?: string;
  readonly note?: string;
}

/** Prints it, as text or as a JSON array; ends with 125 where no engine could run under the policy. */
export async function listCalls(settings: Settings, json: boolean): Promise<void> {
  const { plan } = await planRun(settings);
  const filter = buildFilter(plan.situation);
  const calls = SYSCALL_NAMES.map((name): Listed => {
    const entry = CATALOGUE[name];
    const expression = filter.calls.get(X86_64[name]) ?? filter.unknown;
    // Nobody judges these: the supervisor refuses them.
    const referred = 'judge' in entry && entry.judge !== undefined ? 'judged' : 'EPERM';
    const answers = [...new Set(actionsOf(expression).map((action) => words(action, referred)))].toSorted();
    const note = 'note' in entry ? entry.note : 'reason' in entry ? entry.reason : undefined;
    return {
      number: X86_64[name],
      name,
      class: entry.kind,
      answers,
      ...('judge' in entry && { judge: entry.judge }),
      ...(note !== undefined && { note }),
    };
  });
  print(json ? `${JSON.stringify(calls)}\n` : text(calls));
}

function text(calls: readonly Listed[]): string {
  const rows = calls.map(({ number, name, answers, note }) => [
    String(number).padStart(4),
    name.padEnd(24),
    answers.join(' or ').padEnd(26),
    note ?? '',
  ]);
  const other = [
    '   any other number: ENOSYS; the x32 ABI: ENOSYS; any other ABI (int 0x80): the process is killed',
  ];
  return [...rows.map((row) => row.join(' ').trimEnd()), ...other, ''].join('\n');
}

function actionsOf(expression: Expression): Action[] {
  if (expression.kind !== 'if') return [expression];
  return [...actionsOf(expression.then), ...actionsOf(expression.otherwise)];
}

function words(action: Action, referred: string): string {
  switch (action.kind) {
    case 'allow':
      return 'allowed';
    case 'errno':
      return errnoName(action.errno);
    case 'notify':
    case 'trace':
      return referred;
    case 'kill':
      return 'killed';
  }
}
