/**
 * The terminals that the sandbox was handed: their places (O_PATH), held from the start. What is opened anew is what was handed
 * over, whatever has its name by then. We have them open ourselves too, so the number of a pseudo-terminal goes to no other.
 */
import { fstat, openPathText } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { terminalNumber } from '../../linux/terminal.ts';
import type { OpenObject } from './object.ts';

export class Terminals {
  /** Places by device number. */
  readonly #held = new Map<bigint, number>();
  /** Also of those that a stream only names. */
  readonly #numbers = new Set<bigint>();

  /**
   * Those among the standard streams, which the command gets; not what only names a terminal, as /dev/tty does.
   * @param streams our own descriptors of them
   */
  static among(streams: readonly number[]): Terminals {
    const terminals = new Terminals();
    for (const stream of streams) terminals.#add(stream);
    return terminals;
  }

  #add(stream: number): void {
    const place = openPathText(`/proc/self/fd/${stream}`);
    const status = place < 0 ? place : fstat(place);
    const number = terminalNumber(stream);
    if (number !== undefined) this.#numbers.add(number);
    const isTerminal = typeof status !== 'number' && status.rawDevice === number;
    if (isTerminal && !this.#held.has(status.rawDevice)) this.#held.set(status.rawDevice, place);
    else if (place >= 0) close(place);
  }

  /** Whether a stream is, or names, the terminal with this number. */
  has(device: bigint): boolean {
    return this.#numbers.has(device);
  }

  /** Whether this very file is one of them. */
  isOne({ device, inode, characterDevice }: OpenObject): boolean {
    const place = this.#held.get(characterDevice ?? 0n);
    const status = place === undefined ? undefined : fstat(place);
    if (status === undefined || typeof status === 'number') return false;
    return status.device === device && status.inode === inode;
  }

  /** The place of the terminal with this number, ours to keep. It may have hung up: then opening it is an error (EIO). */
  find(device: bigint): number | undefined {
    return this.#held.get(device);
  }

  /** Lets go of them, when the sandbox has ended. */
  release(): void {
    for (const place of this.#held.values()) close(place);
    this.#held.clear();
  }
}
