/** Terminals (ioctl_tty(2)). Node's own node:tty brings streams and sockets along, which cost a tenth of a start. */
import { ioctl } from './libc.ts';

const TCGETS = 0x5401;
/** More than struct termios takes. */
const termios = new Uint8Array(64);

/** Whether a descriptor is a terminal, as isatty(3) finds it out. */
export function isTerminal(descriptor: number): boolean {
  return ioctl(descriptor, TCGETS, termios) === 0;
}
