/**
 * Whether a target's credentials are our own: what we do for it would else be done with rights that it does not have, or
 * without rights that it has. Reading them costs more than most calls, so what cannot have changed is not read again: all
 * processes of a sandbox descend from one, a set-user-id program gains nothing (prctl(2), PR_SET_NO_NEW_PRIVS), and the
 * filter refers every call that changes credentials, capabilities or filters.
 */
import type { Context } from './context.ts';
import { CONTINUE_CALL, type Referral, type Reply } from './referral.ts';
import { targetStatus, type TargetStatus } from './target.ts';

/** The user's line or the group's, where real, effective, saved and file system id are the same. */
const ONE_ID = /^[UG]id:\t(\d+)\t\1\t\1\t\1$/gm;

export class Credentials {
  /** As /proc/TID/status says those of a target that has ours (`OwnIdentity`). */
  readonly #own: string;
  /** Where ids differ from each other execve(2) may make them one, or take capabilities (capabilities(7)). */
  readonly #lasting: boolean;
  /** One of the sandbox was looked at, and had ours. */
  #wereOurs = false;
  #mayHaveChanged = false;

  constructor(own: string) {
    this.#own = own;
    this.#lasting = own.match(ONE_ID)?.length === 2;
  }

  /** From now on each thread is looked at. */
  noteChange(): void {
    this.#mayHaveChanged = true;
  }

  /** False also where they cannot be read. The caller asks `isCurrent` afterwards. */
  areOurs(tid: number): boolean {
    if (this.#lasting && this.#wereOurs && !this.#mayHaveChanged) return true;
    const status = targetStatus(tid);
    return typeof status !== 'number' && this.areIn(status);
  }

  areIn(status: TargetStatus): boolean {
    if (status.credentials !== this.#own) return false;
    this.#wereOurs = true;
    return true;
  }
}

/** setuid(2), capset(2), seccomp(2) and kin: noted before anything changes. */
export function credentialChange(_referral: Referral, context: Context): Reply {
  context.credentials.noteChange();
  return CONTINUE_CALL;
}
