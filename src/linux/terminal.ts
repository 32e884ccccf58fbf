/** Terminals (ioctl_tty(2)). Node's own node:tty brings streams and sockets along, which cost a tenth of a start. */
import { ioctl } from './libc.ts';

const TCGETS = 0x5401;
/** More than struct termios takes. */
const termios = new Uint8Array(64);

/** Whether a descriptor is a terminal, as isatty(3) finds it out. */
export function isTerminal(descriptor: number): boolean {
  return ioctl(descriptor, TCGETS, termios) === 0;
}

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
