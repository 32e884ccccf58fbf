/**
 * Calls by which a program could reach processes outside the sandbox, or shed the sandbox itself.
 */
import { absent, type CallClass, type Part, refused, registers } from './call-class.ts';

const SIGNAL_NOTE = 'signals stay inside: by Landlock where it scopes them, else the target is judged';
const SCHEDULING_NOTE = 'the caller itself passes; of others only those of the sandbox';

export const PROCESSES = {
  clone: registers(
    'clone-flags',
    'no namespaces, no child that escapes tracing; that a descriptor table is shared is noted',
    { judge: 'processes' },
  ),
  // Its flags lie in memory; the C libraries and Go fall back to clone.
  clone3: absent('its flags lie in memory, where the filter cannot see them; libraries fall back to clone'),
  unshare: registers('unshare-flags', 'no namespaces; descriptors and the working directory may be unshared'),
  setns: refused('enters a namespace, in which paths and processes have another meaning'),
  personality: registers('personality', 'executable data and other memory layouts weaken the program'),
  prctl: registers(
    'prctl-option',
    'some options would blind the supervisor; changed capabilities are noted',
    {
      judge: 'credentials',
    },
  ),
  seccomp: registers(
    'seccomp-flags',
    'a second listener would take the referrals from this one; that a filter is added is noted',
    { judge: 'credentials' },
  ),
  ptrace: registers('ptrace', 'inside only, where Landlock keeps it inside; else refused'),

  kill: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  tkill: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  tgkill: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  rt_sigqueueinfo: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  rt_tgsigqueueinfo: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  pidfd_send_signal: registers('kill-target', SIGNAL_NOTE, { judge: 'signals' }),
  fcntl: registers(
    'fcntl-command',
    'an owner of a descriptor is signalled by the kernel: only one inside; hints that stay in the file are refused',
    { judge: 'signals' },
  ),

  setpgid: registers('group-joined', 'a group of its own passes; another one must have no member outside', {
    judge: 'processes',
  }),

  setrlimit: registers('core-limit', 'a limit of core dumps that keeps them from being made stays as it is'),
  prlimit64: registers('prlimit-target', SCHEDULING_NOTE, { judge: 'processes' }),
  setpriority: registers('setpriority-target', SCHEDULING_NOTE, { judge: 'processes' }),
  ioprio_set: registers('ioprio-target', SCHEDULING_NOTE, { judge: 'processes' }),
  sched_setparam: registers('sched-target', SCHEDULING_NOTE, { judge: 'processes' }),
  sched_setscheduler: registers('sched-target', SCHEDULING_NOTE, { judge: 'processes' }),
  sched_setaffinity: registers('sched-target', SCHEDULING_NOTE, { judge: 'processes' }),
  sched_setattr: registers('sched-target', SCHEDULING_NOTE, { judge: 'processes' }),
  migrate_pages: registers('pages-target', 'only memory of the caller itself'),
  move_pages: registers('pages-target', 'only memory of the caller itself'),

  // Debuggers fall back to ptrace for memory (strace: PTRACE_PEEKDATA on EPERM).
  process_vm_readv: refused('reads memory of another process'),
  process_vm_writev: refused('writes memory of another process'),
  process_madvise: refused('changes memory of another process'),
  process_mrelease: refused('frees memory of another process'),
  pidfd_getfd: refused('takes a descriptor, perhaps a connection, from another process'),
  kcmp: refused('looks into another process'),

  setuid: credentials(),
  setgid: credentials(),
  setreuid: credentials(),
  setregid: credentials(),
  setresuid: credentials(),
  setresgid: credentials(),
  setfsuid: credentials(),
  setfsgid: credentials(),
  setgroups: credentials(),
  capset: credentials(),
} satisfies Part;

function credentials(): CallClass {
  const note = 'passes, and is noted: from then on the supervisor acts with the credentials of who calls';
  return { kind: 'referred', judge: 'credentials', note };
}
