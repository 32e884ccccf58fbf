/** The ioctls that change a file or a terminal behind a read-only descriptor (ioctl_iflags(2), ioctl_tty(2)), and one that opens. */
import { Errno } from '../../linux/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK } from '../../linux/files.ts';
import { close, ioctl as callIoctl, openText } from '../../linux/libc.ts';
import type { FileHandler } from './context.ts';
import { fail } from '../referral.ts';
import { arena, readMemory } from '../target/target.ts';
import { TERMINAL_CHANGES, TIOCGPTPEER } from '../../linux/ioctl.ts';
import { change } from './metadata.ts';
import { openSlave } from './own-terminal.ts';
import { changeTerminal } from './terminal-change.ts';

/** Commands whose argument is a plain struct of this many bytes, read only. */
const ARGUMENT_SIZES = new Map([
  [0x40086602, 4] /* FS_IOC_SETFLAGS: an int, whatever its number says */,
  [0x40046602, 4] /* FS_IOC32_SETFLAGS */,
  [0x40087602, 4] /* FS_IOC_SETVERSION */,
  [0x40047602, 4] /* FS_IOC32_SETVERSION */,
  [0x401c5820, 28] /* FS_IOC_FSSETXATTR */,
]);

const argument = arena(4096);

export const ioctl: FileHandler = (referral, context) => {
  const command = referral.uint(1);
  if (command === TIOCGPTPEER) return openSlave(referral, context);
  if (TERMINAL_CHANGES.has(command)) return changeTerminal(referral, context);
  const size = ARGUMENT_SIZES.get(command);
  if (size === undefined) return fail(Errno.EPERM);
  const result = readMemory(referral.tid, referral.pointer(2), argument, size);
  if (result < 0) return fail(-result);
  const bytes = Buffer.from(argument.bytes.subarray(0, size));
  return change(
    referral,
    context,
    { kind: 'descriptor', descriptor: referral.int(0) },
    {
      perform: (descriptor) => {
        const answer = callIoctl(descriptor, command, bytes);
        return answer === -Errno.EBADF ? openedAnew(descriptor, command, bytes) : answer;
      },
    },
  );
};

/** An O_PATH descriptor, which is all there is before Linux 6.9, takes no command itself. */
function openedAnew(descriptor: number, command: number, bytes: Buffer): number {
  const own = openText(AT_FDCWD, `/proc/self/fd/${descriptor}`, O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  // A socket cannot be opened anew; it knows none of these commands.
  if (own < 0) return own === -Errno.ENXIO ? -Errno.ENOTTY : own;
  const answer = callIoctl(own, command, bytes);
  close(own);
  return answer;
}

/** True for the commands that `ioctl` answers. */
export function isFileIoctl(command: number): boolean {
  return command === TIOCGPTPEER || TERMINAL_CHANGES.has(command) || ARGUMENT_SIZES.has(command);
}
