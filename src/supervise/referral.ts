/**
 * A referral: one system call that waits for the supervisor's word, however it came to us.
 * The rest of supervise/ is written against this, so that every engine has the same judge and the same hands.
 */

export interface Referral {
  /** The thread that waits, in the supervisor's pid namespace. */
  readonly tid: number;
  /** The number of the system call. */
  readonly number: number;
  /** The low 32 bits of an argument, signed, as the kernel reads an int. */
  int(index: number): number;
  /** The low 32 bits of an argument, unsigned. */
  uint(index: number): number;
  /** An argument as an address. What is no user address on this machine becomes -1, which nothing can be read from. */
  pointer(index: number): number;
  /** All 64 bits of an argument. */
  long(index: number): bigint;
  /**
   * True while the thread still waits in this very call. To be asked after everything read of the target (its id may
   * have been given to another process) and before anything is done for it.
   */
  isCurrent(): boolean;
  /**
   * Whether the thread may be given one more descriptor (getrlimit(2), RLIMIT_NOFILE): to be asked before a file is made or
   * truncated that then could not be handed over.
   */
  hasRoom(): boolean;
  /** A copy that outlives the next referral, for answers that take their time. */
  detach(): Referral;
  /** Gives the answer. True when the thread was there to take it. */
  reply(reply: Reply): boolean;
}

export type Reply =
  | { readonly kind: 'continue' }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'errno'; readonly errno: number }
  | HandedDescriptor
  /** The answer comes later, through a detached copy. */
  | { readonly kind: 'pending' };

/** The thread gets a copy of this descriptor as the result; ours is closed. */
export interface HandedDescriptor {
  readonly kind: 'descriptor';
  readonly descriptor: number;
  readonly closeOnExec: boolean;
  /** A terminal becomes the thread's controlling terminal, where open(2) would have made it that. */
  readonly controls?: boolean;
}

export const CONTINUE_CALL: Reply = { kind: 'continue' };
export const SUCCESS: Reply = { kind: 'value', value: 0 };
export const PENDING: Reply = { kind: 'pending' };

const errnoReplies: Reply[] = [];

/** The call fails with this error number (positive). */
export function fail(errno: number): Reply {
  return (errnoReplies[errno] ??= { kind: 'errno', errno });
}

/** The result of a call of our own, as libc.ts gives it: a value, or a negated error number. */
export function resultReply(result: number): Reply {
  if (result === 0) return SUCCESS;
  return result < 0 ? fail(-result) : { kind: 'value', value: result };
}
