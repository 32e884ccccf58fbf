/**
 * The rules that registers decide, as expressions. Each gets the call and what is to become of a call that it leaves
 * open (`leave`), and says which registers it reads.
 */
import { RLIMIT_CORE } from '../../linux/core-limit.ts';
import { CLONE_FILES, CLONE_NEW, CLONE_THREAD, CLONE_UNTRACED } from '../../linux/clone-flags.ts';
import { Errno } from '../../linux/errno.ts';
import { Fcntl, fcntlCommands } from '../../linux/fcntl.ts';
import { O_MAKING, O_PATH, O_WRITING, S_IFBLK, S_IFCHR, S_IFMT, W_OK } from '../../linux/files.ts';
import {
  ASYNC_SIGNALS,
  FILE_CHANGES,
  FILE_FLAGS,
  FILE_SYSTEM_FAMILIES,
  FILE_SYSTEM_READS,
  PAGEMAP_SCAN,
  SECOND_NAMES,
  SIGNAL_OWNER,
  SOUND_TIMERS,
  TCSBRK,
  TERMINAL_CHANGES,
  TERMINAL_FAMILY,
  TERMINAL_INJECTION,
  TERMINAL_READS,
  TIOCGPTPEER,
} from '../../linux/ioctl.ts';
import { PRCTL_CREDENTIALS } from '../../linux/prctl.ts';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_SET_MODE_STRICT,
} from '../../linux/seccomp.ts';
import type { SyscallName } from '../../linux/syscalls.ts';
import {
  allow,
  and,
  errno,
  int,
  long,
  not,
  or,
  pointer,
  when,
  type Condition,
  type Expression,
} from '../../seccomp/expression.ts';
import type { RegisterRule } from '../catalogue.ts';
import { refusal } from './refusal.ts';
import type { Situation } from './situation.ts';
import type { Rule } from './rule.ts';
import {
  getsockoptRule,
  listenRule,
  receiveFromRule,
  receiveMessageRule,
  sendtoRule,
  setsockoptRule,
  socketRule,
} from './socket-rules.ts';

const refused = errno(Errno.EPERM);
/** Not done, and the caller is told that it was. */
const done = errno(0);

/** What unshare(2) may part: CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM. Kernels invent new namespaces. */
const UNSHARE_ALLOWED = 0x0005_0f00n;

const PRCTL_REFUSED = {
  PR_SET_SECUREBITS: 28,
  PR_SET_MM: 35,
  PR_SET_SYSCALL_USER_DISPATCH: 59,
  PR_SCHED_CORE: 62,
} as const;
const PR_SET_DUMPABLE = 4;

/** personality(2): the question, the default, and no address space randomisation (gdb, setarch -R). */
const PERSONALITIES = [0xffff_ffff, 0, 0x0004_0000];

const O_ASYNC = 0x2000;
/** The sign of an int. */
const NEGATIVE = 0x8000_0000;
/** Process numbers are below 2^22 (PID_MAX_LIMIT). */
const PID_BITS = 22;
const PRIO_PROCESS = 0;
const IOPRIO_WHO_PROCESS = 1;

/** Where an argument lies depends on whether the call begins with a directory. */
function indexBehindPath(call: SyscallName): 1 | 2 {
  return call === 'openat' || call === 'mknodat' ? 2 : 1;
}

export const RULES: Readonly<Record<RegisterRule, Rule>> = {
  'open-flags': (call, leave, { names, refersReads }) => {
    const flags = int(indexBehindPath(call));
    const writes = flags.hasAny(O_WRITING);
    // What is opened as a path alone is read by another open.
    if (refersReads) return when(or(writes, flags.hasNone(O_PATH)), leave, allow);
    return when(names === 'all' ? writes : and(writes, flags.hasNone(O_MAKING)), leave, allow);
  },

  'access-mode': (call, leave) => when(int(call === 'access' ? 1 : 2).hasAny(W_OK), leave, allow),

  'mknod-mode': (call, leave, situation) => {
    const mode = int(indexBehindPath(call));
    return when(or(mode.masked(S_IFMT, S_IFCHR), mode.masked(S_IFMT, S_IFBLK)), refusal(situation), leave);
  },

  'ioctl-command': (_call, leave, situation) => {
    const command = int(1);
    // In a domain of Landlock's no process outside is looked into.
    const scans = situation.landlockDomain ? [PAGEMAP_SCAN] : [];
    const rest = when(
      command.in(Object.values(FILE_FLAGS)),
      leave,
      when(
        or(
          command.in(Object.values(FILE_CHANGES)),
          and(
            or(...Object.values(FILE_SYSTEM_FAMILIES).map((family) => command.masked(0xff00, family << 8))),
            not(command.in([...Object.values(FILE_SYSTEM_READS), ...scans])),
          ),
        ),
        refusal(situation),
        allow,
      ),
    );
    const { refer, judges, restrictsFiles, restrictsReadingAlone } = situation;
    const unrestricted =
      restrictsReadingAlone === true
        ? when(command.in(Object.values(SECOND_NAMES)), refusal(situation), allow)
        : allow;
    return when(
      command.in(Object.values(TERMINAL_INJECTION)),
      refusal(situation),
      when(
        command.in([...Object.values(SIGNAL_OWNER), ...Object.values(ASYNC_SIGNALS)]),
        refer !== undefined && judges.has('signals') ? refer : refused,
        // Without a supervisor Landlock decides about those of terminals.
        restrictsFiles ? (refer === undefined ? rest : terminalsOr(rest, leave, situation)) : unrestricted,
      ),
    );
  },

  'socket-family': socketRule,
  'sendto-address': sendtoRule,
  'setsockopt-option': setsockoptRule,
  'listen-port': listenRule,
  'receive-from': receiveFromRule,
  'receive-message': receiveMessageRule,
  'getsockopt-option': getsockoptRule,

  'clone-flags': (_call, leave, situation) => {
    const sharesTable = and(int(0).hasAny(CLONE_FILES), int(0).hasNone(CLONE_THREAD));
    const rest = situation.refer === undefined ? allow : when(sharesTable, leave, allow);
    return when(int(0).hasAny(CLONE_NEW | CLONE_UNTRACED), refusal(situation), rest);
  },
  'unshare-flags': (_call, _leave, situation) =>
    when(long(0).hasAny(~UNSHARE_ALLOWED), refusal(situation), allow),

  'seccomp-flags': (_call, leave, situation) => {
    // Without a supervisor there are no referrals to take away, and refusals outrank any listener.
    if (situation.refer === undefined) return allow;
    const setsFilter = int(0).equals(SECCOMP_SET_MODE_FILTER);
    return when(
      and(setsFilter, int(1).hasAny(SECCOMP_FILTER_FLAG_NEW_LISTENER)),
      errno(Errno.EBUSY),
      when(or(setsFilter, int(0).equals(SECCOMP_SET_MODE_STRICT)), leave, allow),
    );
  },

  'prctl-option': (_call, leave, situation) => {
    const always = int(0).in(Object.values(PRCTL_REFUSED));
    if (situation.refer === undefined) return when(always, refused, allow);
    const blinds = and(int(0).equals(PR_SET_DUMPABLE), int(1).equals(0));
    return when(
      or(always, blinds),
      refusal(situation),
      when(int(0).in(Object.values(PRCTL_CREDENTIALS)), leave, allow),
    );
  },

  personality: (_call, _leave, situation) => when(int(0).in(PERSONALITIES), allow, refusal(situation)),

  // One tracer a process: where that is the supervisor there is no other, and none that could outwit it.
  ptrace: (_call, _leave, situation) =>
    situation.landlockDomain && situation.refer?.kind !== 'trace' ? allow : refusal(situation),

  'kill-target': (_call, leave, situation) => (situation.signalScope ? allow : leave),

  'fcntl-command': (_call, leave, situation) => {
    const { signalScope, restrictsFiles } = situation;
    const [command, argument] = [int(1), int(2)];
    const asks = and(command.equals(Fcntl.F_SETFL), argument.hasAny(O_ASYNC));
    // Landlock scopes the signals to one owner, not on every kernel those to a group (signal-owner.ts).
    const owns = signalScope ? when(argument.hasAny(NEGATIVE), leave, allow) : leave;
    const passing = [...fcntlCommands('passes'), Fcntl.F_SETFL];
    const rest = when(
      command.in(passing),
      allow,
      when(command.in(fcntlCommands('changes')), refusal(situation), refusal(situation, Errno.EINVAL)),
    );
    return when(
      command.equals(Fcntl.F_SETOWN),
      owns,
      when(or(command.in([Fcntl.F_SETOWN_EX, Fcntl.F_SETSIG]), asks), leave, restrictsFiles ? rest : allow),
    );
  },

  'group-joined': (_call, leave, { ownSession }) => {
    // A negative number is the kernel's to refuse (EINVAL).
    const isOwn = or(int(1).equals(0), int(1).hasAny(NEGATIVE), haveSameNumber(0, 1));
    return ownSession === true ? allow : when(isOwn, allow, leave);
  },

  // Who turns core dumps off (ssh-agent, gpg) would give up at an error.
  'core-limit': (_call, _leave, { withoutCores }) =>
    withoutCores ? when(int(0).equals(RLIMIT_CORE), done, allow) : allow,

  'prlimit-target': (_call, leave, { withoutCores }) => {
    const asks = pointer(2).equals(0n);
    const rest = when(or(int(0).equals(0), asks), allow, leave);
    if (!withoutCores) return rest;
    // What was set before is not told by who does nothing.
    const own = when(pointer(3).equals(0n), done, refused);
    const core = when(int(0).equals(0), own, leave);
    return when(and(int(1).equals(RLIMIT_CORE), not(asks)), core, rest);
  },

  'setpriority-target': (_call, leave) => priority(PRIO_PROCESS, leave),
  'ioprio-target': (_call, leave) => priority(IOPRIO_WHO_PROCESS, leave),

  'sched-target': (_call, leave) => when(int(0).equals(0), allow, leave),
  'pages-target': (_call, _leave, situation) => when(int(0).equals(0), allow, refusal(situation)),
};

/** Commands of terminals: most read, some change what somebody else uses, and one opens a file. */
function terminalsOr(rest: Expression, leave: Expression, situation: Situation): Expression {
  const command = int(1);
  const drains = and(command.equals(TCSBRK), not(long(2).equals(0n)));
  return when(
    command.masked(TERMINAL_FAMILY.mask, TERMINAL_FAMILY.value),
    when(
      or(command.in([...Object.values(TERMINAL_READS), ...SOUND_TIMERS]), drains),
      allow,
      when(command.in([TIOCGPTPEER, ...TERMINAL_CHANGES.keys()]), leave, refusal(situation)),
    ),
    rest,
  );
}

/** Both arguments are the same process number: bit by bit, as a comparison is with a constant. */
function haveSameNumber(one: number, other: number): Condition {
  const bits = Array.from({ length: PID_BITS }, (_, bit) => 2 ** bit);
  return and(
    int(one).atMost(2 ** PID_BITS - 1),
    int(other).atMost(2 ** PID_BITS - 1),
    ...bits.map((bit) =>
      or(
        and(int(one).hasAny(bit), int(other).hasAny(bit)),
        and(int(one).hasNone(bit), int(other).hasNone(bit)),
      ),
    ),
  );
}

/** WHICH in the first argument, WHO in the second; 0 is the caller. */
function priority(process: number, leave: Expression): Expression {
  return when(and(int(0).equals(process), int(1).equals(0)), allow, leave);
}
