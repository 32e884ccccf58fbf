/**
 * What launcher, watchdog and supervisor say to each other, over two sockets of type SOCK_SEQPACKET.
 *
 *   report   launcher → supervisor   record watchdog; record listener; then the end, or the record of the row that failed
 *            supervisor → launcher   a byte: go on to execve(2)
 *   control  supervisor → watchdog   u32: the listener's number; at last a byte, or the end; of a service: u32, the numbers of
 *                                    processes, and at last the end
 *            watchdog → supervisor   record listener with the descriptor (SCM_RIGHTS), or the record of the row that failed
 *
 * A record is {u32 kind, i32 value}. Below `Kind.watchdog` a kind is the index of a row and the value its result.
 */
export { RECORD_SIZE } from './code.ts';

/** What the launcher is started with, beside standard input, output and error. */
export const Descriptor = { report: 3, ruleset: 4, control: 5 } as const;

export const Kind = {
  /** The value is the process number of the watchdog. */
  watchdog: 0x8000_0001,
  /** The value is the number of the listener in the launcher's descriptor table. */
  listener: 0x8000_0002,
  /** The value is what kill(2) said of a process that the watchdog was asked for. */
  reach: 0x8000_0003,
} as const;

export interface Message {
  readonly kind: number;
  readonly value: number;
}
