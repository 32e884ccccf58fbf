/** The handlers of calls about other processes. */
import type { SyscallName } from '../../linux/syscalls.ts';
import { clone } from '../target/descriptor-tables.ts';
import { setpgid } from './groups.ts';
import type { ProcessHandler } from './processes.ts';
import * as scheduling from './scheduling.ts';
import { setOwner } from './signal-owner.ts';
import * as signals from './signals.ts';

export const PROCESS_HANDLERS: Readonly<Partial<Record<SyscallName, ProcessHandler>>> = {
  clone,
  kill: signals.kill,
  tkill: signals.tkill,
  tgkill: signals.tgkill,
  rt_sigqueueinfo: signals.rtSigqueueinfo,
  rt_tgsigqueueinfo: signals.rtTgsigqueueinfo,
  pidfd_send_signal: signals.pidfdSendSignal,
  fcntl: setOwner,
  setpgid,
  prlimit64: scheduling.prlimit,
  setpriority: scheduling.setpriority,
  ioprio_set: scheduling.ioprioSet,
  sched_setparam: scheduling.schedSetparam,
  sched_setscheduler: scheduling.schedSetscheduler,
  sched_setaffinity: scheduling.schedSetaffinity,
  sched_setattr: scheduling.schedSetattr,
};
