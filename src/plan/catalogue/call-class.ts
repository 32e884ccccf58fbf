/**
 * The classes of system calls: who decides about a call, and why (syscalls(2), seccomp(2)).
 */

export type CallClass =
  /** Changes nothing outside the process: always allowed. */
  | { readonly kind: 'harmless' }
  /**
   * The registers decide, in the filter. Without `when` this holds whatever the policy, as it protects the sandbox
   * itself. What the rule leaves open goes to `judge`; where there is no judge or no supervisor, it is refused.
   */
  | {
      readonly kind: 'registers';
      readonly rule: RegisterRule;
      readonly judge?: Judge;
      readonly when?: Restriction;
      readonly note: string;
    }
  /**
   * The supervisor decides when the policy restricts what `when` names; otherwise the call is allowed. Without `when` it
   * decides whatever the policy. A rule looks at the registers first, always: it may allow, refuse, or leave the call to
   * the supervisor.
   */
  | {
      readonly kind: 'referred';
      readonly judge: Judge;
      readonly when?: Restriction;
      readonly rule?: RegisterRule;
      readonly note: string;
    }
  /**
   * Refused: always, or with `when` only under that restriction, and otherwise allowed. Where there is a supervisor it is referred to
   * that, which refuses it, and tells of it, or gives the error that the kernel would have come to before.
   */
  | {
      readonly kind: 'refused';
      readonly errno: RefusalErrno;
      readonly when?: Restriction;
      readonly reason: string;
    }
  /** Answered ENOSYS, as by a kernel that lacks the call: callers know what to do then. */
  | { readonly kind: 'absent'; readonly reason: string };

/**
 * Which part of the policy must be in force: `any` is files or network. `names`: files, or else where Landlock does not decide by
 * itself what is left under every policy, that interfaces of the kernel are not changed. `reads`: reading, where Landlock does not
 * decide about it alone. `queues`: files, or else where there is a Landlock domain, which refuses what a supervisor could do.
 */
export type Restriction = 'files' | 'names' | 'reads' | 'queues' | 'network' | 'any';

/** What the supervisor looks at when a call is referred to it. */
export type Judge =
  /** The names that an open, a create, a rename or a removal would change. */
  | 'files'
  /** Mode, owner, times, extended attributes and flags of a file. */
  | 'metadata'
  /** Socket addresses, Unix sockets among them. */
  | 'network'
  /** Whether a signal would leave the sandbox. */
  | 'signals'
  /** Whether a process or thread is of the sandbox. */
  | 'processes'
  /** System V objects and message queues: whether they were made in the sandbox. */
  | 'ipc'
  /** Nothing: that credentials may differ from now on is noted. */
  | 'credentials'
  /** Nothing: the call is refused, which is told, or fails as it would without us. */
  | 'refusals';

export type RefusalErrno = 'EPERM' | 'EOPNOTSUPP';

/** The rules that look at registers, each built elsewhere as an expression of the filter language. */
export const REGISTER_RULES = [
  /**
   * open(2): referred if the access mode or O_CREAT, O_TRUNC, __O_TMPFILE can change something, in some cases only what exists; where
   * reading is judged all but O_PATH.
   */
  'open-flags',
  /** access(2): referred if it asks for W_OK. */
  'access-mode',
  /** mknod(2): device nodes refused. */
  'mknod-mode',
  /** ioctl(2): injected terminal input refused; signal owners, opening a terminal's other side, changes to terminals and flags referred. */
  'ioctl-command',
  /** socket(2), socketpair(2): family, type and protocol. */
  'socket-family',
  /** sendto(2): no address, no MSG_FASTOPEN, and no MSG_DONTROUTE where destinations are restricted, is allowed, all else referred. */
  'sendto-address',
  /** setsockopt(2): options that connect, redirect, join a group or change the protocol refused, some by destinations only; those that let others share a port referred then. */
  'setsockopt-option',
  /** listen(2): referred where destinations are restricted. */
  'listen-port',
  /** recvfrom(2): referred where names are judged and somebody wants to know the sender. */
  'receive-from',
  /** recvmsg(2), recvmmsg(2), getpeername(2): referred where names are judged. */
  'receive-message',
  /** getsockopt(2): SCTP's, one of which connects, refused. */
  'getsockopt-option',
  /** clone(2): CLONE_NEW* and CLONE_UNTRACED refused; a process that shares a descriptor table is left to the supervisor. */
  'clone-flags',
  /** unshare(2): what belongs to the process may be parted; CLONE_NEW* and all that is unknown is refused. */
  'unshare-flags',
  /** seccomp(2): SECCOMP_FILTER_FLAG_NEW_LISTENER refused with EBUSY; what restricts the caller is left to the supervisor. */
  'seccomp-flags',
  /** prctl(2): options that blind the supervisor or shed its protection refused; capabilities, filters left to it. */
  'prctl-option',
  /** personality(2): queries and harmless personas only. */
  'personality',
  /** ptrace(2): allowed where Landlock confines it to the sandbox, else refused. */
  'ptrace',
  /** kill(2) and kin: allowed where Landlock scopes signals, else judged. */
  'kill-target',
  /** fcntl(2): F_SETOWN, F_SETOWN_EX, F_SETSIG and O_ASYNC judged, by which the kernel signals; what changes the file refused. */
  'fcntl-command',
  /** setpgid(2): a group of the process's own is allowed, and where the session is all the sandbox's any; else judged. */
  'group-joined',
  /** setrlimit(2): all but RLIMIT_CORE where no core is to be dumped; that one is answered 0 and not set. */
  'core-limit',
  /** prlimit(2): pid 0, or a mere query, is allowed; else judged; RLIMIT_CORE as by setrlimit(2). */
  'prlimit-target',
  /** setpriority(2): PRIO_PROCESS of 0 is allowed, PRIO_USER refused, else judged. */
  'setpriority-target',
  /** ioprio_set(2): as setpriority, with the numbers of IOPRIO_WHO_*. */
  'ioprio-target',
  /** sched_setaffinity(2) and kin: pid 0 is allowed, else judged. */
  'sched-target',
  /** move_pages(2), migrate_pages(2): pid 0 is allowed, else refused. */
  'pages-target',
] as const;

export type RegisterRule = (typeof REGISTER_RULES)[number];

/** The classes of some calls; the catalogue is made of such parts. */
export type Part = Readonly<Record<string, CallClass>>;

/** A call that the rule decides by its registers. */
export function registers(
  rule: RegisterRule,
  note: string,
  more: { readonly judge?: Judge; readonly when?: Restriction } = {},
): CallClass {
  return { kind: 'registers', rule, ...more, note };
}

/** A call refused with EPERM unless `more` says otherwise. */
export function refused(reason: string, more: { errno?: RefusalErrno; when?: Restriction } = {}): CallClass {
  return { kind: 'refused', errno: 'EPERM', ...more, reason };
}

/** A call answered ENOSYS. */
export function absent(reason: string): CallClass {
  return { kind: 'absent', reason };
}
