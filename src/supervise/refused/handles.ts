/** Errors of calls with file handles (open_by_handle_at(2)) that come before a capability, or the file system, is asked. */
import { Errno } from '../../linux/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW } from '../../linux/files.ts';
import { addressOf, close, syscall, syscallMemory2 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import type { Members } from '../target/members.ts';
import { arena, openError, readMemory } from '../target/target.ts';
import { lookError } from './look-error.ts';
import { openPathArgument } from './paths.ts';

/** struct file_handle: handle_bytes, handle_type, and what follows. */
const HEADER_SIZE = 8;
const MAX_HANDLE_SIZE = 128;
const NO_PATH = new Uint8Array(1);
const NOBODY = -1;

/** The kernel writes into it what it would need. */
const noHandle = Buffer.from(new ArrayBuffer(HEADER_SIZE));
const mountId = Buffer.from(new ArrayBuffer(HEADER_SIZE));

const header = arena(HEADER_SIZE);

export function toHandleError(referral: Referral, members: Members): number | undefined {
  const flags = referral.int(4);
  // Of flags that it knows the kernel finds that there is no such descriptor, or no path.
  if (syscallMemory2(X86_64.name_to_handle_at, NOBODY, NO_PATH, 0, 0, flags) === -Errno.EINVAL)
    return Errno.EINVAL;
  const found = openPathArgument(referral, members, {
    index: 1,
    start: referral.int(0),
    follow: (flags & AT_SYMLINK_FOLLOW) !== 0,
    mayBeEmpty: (flags & AT_EMPTY_PATH) !== 0,
  });
  if (found.kind === 'error') return found.errno;
  const has = hasHandle(found.descriptor, flags);
  close(found.descriptor);
  return has ? headerError(referral, 2) : undefined;
}

/** Whether it has one: EOVERFLOW says that there is no room for it. */
function hasHandle(descriptor: number, flags: number): boolean {
  const path = Buffer.from(`/proc/self/fd/${descriptor}\0`);
  const own = (flags | AT_SYMLINK_FOLLOW) & ~AT_EMPTY_PATH;
  noHandle.fill(0);
  const [handle, mount] = [addressOf(noHandle), addressOf(mountId)];
  const result = syscall(X86_64.name_to_handle_at, AT_FDCWD, addressOf(path), handle, mount, own, 0);
  return result === -Errno.EOVERFLOW;
}

export function fromHandleError(referral: Referral): number | undefined {
  const invalid = headerError(referral, 1);
  if (invalid !== undefined) return invalid;
  if (header.bytes.readUInt32LE(0) === 0 || header.bytes.readInt32LE(4) < 0) return Errno.EINVAL;
  const start = referral.int(0);
  const bad = start === AT_FDCWD ? 0 : openError(referral.tid, start);
  return bad === -Errno.EBADF ? Errno.EBADF : undefined;
}

function headerError(referral: Referral, index: number): number | undefined {
  const result = readMemory(referral.tid, referral.pointer(index), header, HEADER_SIZE);
  if (result < 0) return lookError(result);
  return header.bytes.readUInt32LE(0) > MAX_HANDLE_SIZE ? Errno.EINVAL : undefined;
}
