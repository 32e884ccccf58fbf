/** Children that changed state, of whatever kind (waitid(2)). */
import { Errno, SyscallError } from './errno.ts';
import { syscall, syscallMemory3 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const SYS_WAITID = 247;
const P_ALL = 0;
const WNOHANG = 1;
const WSTOPPED = 2;
const WEXITED = 4;
const WCONTINUED = 8;
const WNOWAIT = 0x0100_0000;
/** Of whatever kind: also one whose end is told by another signal than SIGCHLD. */
const WALL = 0x4000_0000;

const CLD_EXITED = 1;
const CLD_TRAPPED = 4;
const CLD_STOPPED = 5;
const CLD_CONTINUED = 6;

export type ChildChange =
  | { readonly kind: 'exit'; readonly pid: number; readonly code: number }
  | { readonly kind: 'signal'; readonly pid: number; readonly signal: number }
  | { readonly kind: 'stopped'; readonly pid: number; readonly signal: number }
  | { readonly kind: 'continued'; readonly pid: number };

const information = Buffer.alloc(128);

/** Whether this process has any child; none is reaped. */
export function hasChildren(): boolean {
  const options = WEXITED | WNOHANG | WNOWAIT | WALL;
  return syscallMemory3(SYS_WAITID, P_ALL, 0, information, options, 0) >= 0;
}

/** There is no child, or a signal came. */
const NOTHING = new Set<number>([Errno.ECHILD, Errno.EINTR]);

/**
 * One child that ended (it is reaped), stopped or went on since it was asked last; undefined when there is none. Throws a
 * SyscallError where the system lets nobody ask.
 */
export function nextChildChange(): ChildChange | undefined {
  information.fill(0);
  const result = syscallMemory3(
    SYS_WAITID,
    P_ALL,
    0,
    information,
    WEXITED | WSTOPPED | WCONTINUED | WNOHANG,
    0,
  );
  // Without this call no end would ever be seen.
  if (result < 0 && !NOTHING.has(-result)) throw new SyscallError('waitid', -result);
  const pid = information.readInt32LE(16); // si_pid
  if (result < 0 || pid === 0) return undefined;
  const status = information.readInt32LE(24); // si_status
  switch (information.readInt32LE(8) /* si_code */) {
    case CLD_EXITED:
      return { kind: 'exit', pid, code: status };
    case CLD_STOPPED:
      return { kind: 'stopped', pid, signal: status };
    case CLD_CONTINUED:
      return { kind: 'continued', pid };
    case CLD_TRAPPED:
      release(pid, status);
      return { kind: 'continued', pid };
    default:
      return { kind: 'signal', pid, signal: status };
  }
}

const PTRACE_DETACH = 17;
const SIGTRAP = 5;

/**
 * A child that made us its tracer (PTRACE_TRACEME, ptrace(2)) would wait for ever: it goes on without one. SIGTRAP is
 * what execve(2) sends to the traced.
 */
function release(pid: number, signal: number): void {
  syscall(X86_64.ptrace, PTRACE_DETACH, pid, 0, signal === SIGTRAP ? 0 : signal, 0, 0);
}
