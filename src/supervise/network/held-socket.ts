/** A UDP socket of the sandbox that the supervisor holds: as long its port is nobody else's, and no new socket comes to share it. */
import { close } from '../../linux/libc.ts';
import { SOL_SOCKET, setIntegerOption, socketOption } from '../../linux/sockets.ts';

export const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
/** What lets another socket have the same port. Inside they are set by the supervisor alone, so not while it holds the socket. */
export const SHARING: readonly number[] = [SO_REUSEADDR, SO_REUSEPORT];

export class HeldSocket {
  /** Taken over. */
  readonly descriptor: number;
  /** Options that were set, or are to be. */
  readonly #shares = new Set<number>();

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    for (const option of SHARING) {
      if (socketOption(descriptor, option) === 0) continue;
      this.#shares.add(option);
      setIntegerOption(descriptor, SOL_SOCKET, option, 0);
    }
  }

  /** Such an option is to be on, or off, when the socket is let go. */
  share(option: number, on: boolean): void {
    if (on) this.#shares.add(option);
    else this.#shares.delete(option);
  }

  letGo(): void {
    for (const option of this.#shares) setIntegerOption(this.descriptor, SOL_SOCKET, option, 1);
    close(this.descriptor);
  }
}
