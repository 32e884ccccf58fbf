/**
 * What the supervisor tells about a referral once it is decided. Plain values that own their bytes.
 */
import type { AddressBytes, PathBytes, Port } from '../policy/policy.ts';
import type { Layer, Operation } from './log-record.ts';

export type { Layer, Operation } from './log-record.ts';

export type ReportedObject =
  | { readonly kind: 'path'; readonly path: PathBytes; readonly entry?: NewEntry }
  /** Two ends: rename, link. */
  | { readonly kind: 'paths'; readonly from: PathBytes; readonly to: PathBytes; readonly entry?: NewEntry }
  | {
      readonly kind: 'address';
      readonly address: AddressBytes;
      readonly port: Port;
      readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
      /** What the address was given out for, where rules speak of names. Text of whoever answered. */
      readonly names?: readonly string[];
    }
  | { readonly kind: 'unix-path'; readonly path: PathBytes }
  | { readonly kind: 'unix-abstract'; readonly name: Buffer }
  /** A name that was looked up, lower case, and the addresses that it was found to have. */
  | { readonly kind: 'host'; readonly name: string; readonly addresses?: readonly AddressBytes[] }
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'none' };

/** What is said of an entry that comes into being, where a policy cannot be sure to name it. */
export type NewEntry =
  /** Whoever makes it wants a name that nobody has (O_EXCL): mostly one that was made up for it. */
  | 'exclusive'
  /** A symbolic link, which an allowed path itself never becomes. */
  | 'link';

export interface ReferralEvent {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The thread that made the call, as the supervisor sees it. */
  readonly tid: number;
  /** Name of the system call: `openat`. */
  readonly call: string;
  readonly operation: Operation;
  readonly object: ReportedObject;
  readonly verdict: 'allowed' | 'refused';
  /** Of an allowed call: 0, or the error with which the kernel failed it when the supervisor made it. */
  readonly errno: number;
  readonly layer: Layer;
  /** The rule that decided, in a few words: `outside --write-allow`. It names an option where one would change it. */
  readonly rule: string;
  /** A person may allow it, where one is asked: beside what the words of the rule say (supervise/asking.ts). */
  readonly asks?: true;
}

/** What became of a call that was allowed. */
export type Outcome =
  | 'done'
  | 'failed'
  /** Of several messages the last one that was reported did not go out. */
  | 'last-failed'
  /** The kernel went on with the call. */
  | 'unknown';

/** Receives events. It must not throw: what becomes of a report never changes a verdict. */
export interface Reporter {
  /** False: allowed referrals need not be reported, which saves building their events. */
  readonly wantsAllowed: boolean;
  /** Where somebody has to know what came of a call, it is performed where it else would go on in the kernel. */
  readonly outcomes?: OutcomeListener | undefined;
  report(event: ReferralEvent): void;
}

/** A thread makes one call at a time: what is reported between its begin and its end belongs to that call. */
export interface OutcomeListener {
  begin(tid: number): void;
  /** Not told where the thread was killed while it waited. */
  end(tid: number, outcome: Outcome): void;
}
