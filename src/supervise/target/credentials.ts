/**
 * Whether a target's credentials are our own: what we do for it would else be done with rights that it does not have, or
 * without rights that it has. Reading them costs more than most calls, so what cannot have changed is not read again: all
 * processes of a sandbox descend from one, a set-user-id program gains nothing (prctl(2), PR_SET_NO_NEW_PRIVS), and the
 * filter refers every call that changes credentials, capabilities or filters.
 */
import type { Ids, ThreadCredentials } from '../../linux/impersonation.ts';
import { PRCTL_CREDENTIALS } from '../../linux/prctl.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { CONTINUE_CALL, type Referral, type Reply } from '../referral.ts';
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
  #rightsMayHaveChanged = false;

  /** @param taken they are another's, and hold for one call: each look at a thread is a new one */
  constructor(own: string, taken = false) {
    this.#own = own;
    this.#lasting = !taken && own.match(ONE_ID)?.length === 2;
  }

  /**
   * From now on each thread is looked at.
   * @param rights users, groups or capabilities; else only filters, which take no right to a file away
   */
  noteChange(rights: boolean): void {
    this.#mayHaveChanged = true;
    this.#rightsMayHaveChanged ||= rights;
  }

  /**
   * Whether a thread finds and reaches the same files as we do: who does not is told nothing of what we find for it. False
   * also where that cannot be read.
   */
  haveOurRights(tid: number): boolean {
    if (this.#lasting && !this.#rightsMayHaveChanged) return true;
    const status = targetStatus(tid);
    return typeof status !== 'number' && rightsIn(status.credentials) === rightsIn(this.#own);
  }

  /** All of the sandbox have ours, and no look at one is needed. */
  get areSettled(): boolean {
    return this.#lasting && this.#wereOurs && !this.#mayHaveChanged;
  }

  /** False also where they cannot be read. The caller asks `isCurrent` afterwards. */
  areOurs(tid: number): boolean {
    if (this.areSettled) return true;
    const status = targetStatus(tid);
    return typeof status !== 'number' && this.areIn(status);
  }

  /** The same for who acts with a target's credentials: those of that target count as ours. Filters are compared as before. */
  takenOnFrom({ credentials }: TargetStatus): Credentials {
    const filters = FILTERS.exec(this.#own)?.[0] ?? '';
    return new Credentials(credentials.replace(FILTERS, filters), true);
  }

  areIn(status: TargetStatus): boolean {
    if (status.credentials !== this.#own) return false;
    this.#wereOurs = true;
    return true;
  }
}

const FILTERS = /^Seccomp_filters:.*$/m;

function rightsIn(credentials: string): string {
  return credentials.replace(FILTERS, '');
}

const IDS = String.raw`:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$`;
const USERS = new RegExp(`^Uid${IDS}`, 'm');
const GROUPS = new RegExp(`^Gid${IDS}`, 'm');
const SUPPLEMENTARY = /^Groups:\t(|\d+(?: \d+)*) $/m;
const EFFECTIVE = /^CapEff:\t([0-9a-f]{16})$/m;

/** What counts for files, sockets and signals of the credentials in a status; undefined where something is missing or odd. */
export function threadCredentials(credentials: string): ThreadCredentials | undefined {
  const users = idsIn(USERS, credentials);
  const groups = idsIn(GROUPS, credentials);
  const supplementary = SUPPLEMENTARY.exec(credentials)?.[1];
  const capabilities = EFFECTIVE.exec(credentials)?.[1];
  if (
    users === undefined ||
    groups === undefined ||
    supplementary === undefined ||
    capabilities === undefined
  )
    return undefined;
  const numbers = Uint32Array.from(supplementary.match(/\d+/g) ?? [], Number);
  return { users, groups, supplementary: numbers, capabilities: BigInt(`0x${capabilities}`) };
}

function idsIn(line: RegExp, credentials: string): Ids | undefined {
  const found = line.exec(credentials);
  return found === null
    ? undefined
    : [Number(found[1]), Number(found[2]), Number(found[3]), Number(found[4])];
}

/** True for a call that is allowed and is referred since it may change credentials: of prctl(2) not every option is. */
export function changesCredentials(referral: Referral): boolean {
  if (referral.number !== X86_64.prctl) return true;
  return Object.values(PRCTL_CREDENTIALS).some((option) => option === referral.int(0));
}

/** setuid(2), capset(2), seccomp(2) and kin: noted before anything changes. */
export function credentialChange(
  referral: Referral,
  { credentials }: { readonly credentials: Credentials },
): Reply {
  const addsFilter =
    referral.number === X86_64.seccomp ||
    (referral.number === X86_64.prctl && referral.int(0) === PRCTL_CREDENTIALS.PR_SET_SECCOMP);
  credentials.noteChange(!addsFilter);
  return CONTINUE_CALL;
}
