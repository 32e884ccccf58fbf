/** Terminals (ioctl_tty(2)). Node's own node:tty brings streams and sockets along, which cost a tenth of a start. */
import { ioctl, ioctlInteger } from './libc.ts';

const TCGETS = 0x5401;
/** More than struct termios takes. */
const termios = new Uint8Array(64);

/** Whether a descriptor is a terminal, as isatty(3) finds it out. */
export function isTerminal(descriptor: number): boolean {
  return ioctl(descriptor, TCGETS, termios) === 0;
}

/** Device 5:0, "the controlling terminal of whoever opens it" (tty(4)). */
export const CONTROLLING_TERMINAL = 0x500n;

const TIOCGDEV = 0x8004_5432;
const number = new Uint8Array(4);
const numberView = new DataView(number.buffer);

/**
 * The device number of the terminal that a descriptor really reads and writes (TIOCGDEV); undefined where it is none. The file may
 * have another: /dev/tty and /dev/tty0 mean a terminal that changes, and the master of a pseudo-terminal means its other side.
 */
export function terminalNumber(descriptor: number): bigint | undefined {
  return ioctl(descriptor, TIOCGDEV, number) < 0 ? undefined : BigInt(numberView.getUint32(0, true));
}

const TCSETS = 0x5402;
const TIOCSPGRP = 0x5410;
const TCFLSH = 0x540b;
const TCIFLUSH = 0;
/** Flags of struct termios: input at 0, output at 4, local at 12 (termios(3)). */
const ICRNL = 0o400;
const OPOST_ONLCR = 0o5;
const ISIG_ICANON_ECHO = 0o13;

/** Modes of a terminal that were changed. */
export interface Modes {
  restore(): void;
}

/** Makes a terminal take a line as it is typed, and leaves what was typed already. Undefined where it does so, or is none. */
export function takeLines(descriptor: number): Modes | undefined {
  const before = Buffer.alloc(64);
  if (ioctl(descriptor, TCGETS, before) < 0) return undefined;
  const lines = Buffer.from(before);
  lines.writeUInt32LE((before.readUInt32LE(0) | ICRNL) >>> 0, 0);
  lines.writeUInt32LE((before.readUInt32LE(4) | OPOST_ONLCR) >>> 0, 4);
  lines.writeUInt32LE((before.readUInt32LE(12) | ISIG_ICANON_ECHO) >>> 0, 12);
  if (lines.equals(before) || ioctl(descriptor, TCSETS, lines) < 0) return undefined;
  return { restore: () => void ioctl(descriptor, TCSETS, before) };
}

/** Forgets what was typed and nobody has read (tcflush(3)). */
export function forgetTyped(descriptor: number): void {
  ioctlInteger(descriptor, TCFLSH, TCIFLUSH);
}

/** Makes a process group that of the terminal's foreground (tcsetpgrp(3)). 0, or a negated error number. */
export function setForeground(descriptor: number, group: number): number {
  const value = Buffer.alloc(4);
  value.writeInt32LE(group);
  return ioctl(descriptor, TIOCSPGRP, value);
}
