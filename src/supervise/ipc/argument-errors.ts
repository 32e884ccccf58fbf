/** Errors that the kernel comes to before it looks for a System V object (semop(2), msgop(2), semctl(2) and kin). */
import { Errno } from '../../linux/errno.ts';
import { readProcText } from '../../linux/files.ts';
import type { SystemVKind } from '../../linux/system-v.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import { arena, readMemory } from '../target/target.ts';

const IPC_SET = 1;
const SETVAL = 16;
const SEMVMX = 32_767;
/** struct shmid64_ds, semid64_ds, msqid64_ds. */
const STATUS_SIZE = { shm: 112, sem: 104, msg: 120 } as const;
const SEMBUF_SIZE = 6;
const TIME_SIZE = 16;
const TYPE_SIZE = 8;

const memory = arena(65_536);

/** Undefined: the other arguments are as they should be, or nothing is looked at before the object. */
export function argumentError(kind: SystemVKind, referral: Referral): number | undefined {
  switch (referral.number) {
    case X86_64.semtimedop:
      return (
        (referral.long(3) === 0n ? undefined : unreadable(referral, referral.pointer(3), TIME_SIZE)) ??
        operationsError(referral)
      );
    case X86_64.semop:
      return operationsError(referral);
    case X86_64.msgsnd:
      return messageError(referral);
    case X86_64.shmctl:
    case X86_64.msgctl:
      return statusError(kind, referral, referral.int(1), referral.pointer(2));
    case X86_64.semctl:
      return valueError(referral) ?? statusError(kind, referral, referral.int(2), referral.pointer(3));
    default:
      return undefined;
  }
}

function operationsError(referral: Referral): number | undefined {
  const count = referral.uint(2);
  if (count > mostOperations()) return Errno.E2BIG;
  return count === 0 ? Errno.EINVAL : unreadable(referral, referral.pointer(1), count * SEMBUF_SIZE);
}

/** SEMOPM: the third number (proc(5)). */
function mostOperations(): number {
  const text = readProcText('/proc/sys/kernel/sem');
  return typeof text === 'number' ? 0 : Number(text.split('\t')[2]);
}

function messageError(referral: Referral): number | undefined {
  const unread = unreadable(referral, referral.pointer(1), TYPE_SIZE);
  if (unread !== undefined) return unread;
  const type = memory.bytes.readBigInt64LE(0);
  const size = BigInt.asIntN(64, referral.long(2));
  if (size < 0n || size > BigInt(memory.bytes.length) || type < 1n) return Errno.EINVAL;
  return unreadable(referral, referral.pointer(1) + TYPE_SIZE, Number(size));
}

function valueError(referral: Referral): number | undefined {
  if (referral.int(2) !== SETVAL || referral.int(0) < 0) return undefined;
  const value = referral.int(3);
  return value < 0 || value > SEMVMX ? Errno.ERANGE : undefined;
}

function statusError(
  kind: SystemVKind,
  referral: Referral,
  command: number,
  address: number,
): number | undefined {
  const sets = command === IPC_SET && referral.int(0) >= 0;
  return sets ? unreadable(referral, address, STATUS_SIZE[kind]) : undefined;
}

function unreadable(referral: Referral, address: number, length: number): number | undefined {
  const result = readMemory(referral.tid, address, memory, Math.min(length, memory.bytes.length));
  return result < 0 ? -result : undefined;
}
