/**
 * A line of the log of --log, and what the library tells of a call. This is the schema, version 1. Members may be added to it
 * without a new version; a reader passes over those that it does not know.
 *
 * Paths and names are bytes: what is not printable UTF-8 stands as `\xNN`, a backslash as `\\`, so that every name can
 * be told from every other (in the JSON text each of these backslashes is doubled once more).
 */

/** The word a person would use for what was attempted; groups the summary. */
export type Operation =
  | 'read'
  | 'write'
  | 'create'
  | 'remove'
  | 'rename'
  | 'link'
  | 'change' /* mode, owner, times, extended attributes, flags */
  | 'connect'
  | 'send'
  | 'bind'
  | 'look-up' /* of a host's name */
  | 'signal'
  | 'other';

/** Which layer decided: Landlock, the filter, or the supervisor's judge. */
export type Layer = 'landlock' | 'filter' | 'supervisor';

export interface LogRecord {
  /** Version of the schema. */
  readonly v: 1;
  /** RFC 3339, UTC, milliseconds: `2026-11-23T10:00:00.000Z`. */
  readonly time: string;
  /** Process and thread that made the call; the process and its name are missing where it was gone already. */
  readonly pid?: number;
  readonly tid: number;
  /** The thread's name, of at most 15 bytes (proc(5), /proc/PID/comm). */
  readonly command?: string;
  /** The system call: `openat`. */
  readonly call: string;
  readonly operation: Operation;
  readonly object: LoggedObject;
  readonly verdict: 'allowed' | 'refused';
  /** `EPERM`; where the call was allowed: what it failed with by itself, if that is known. */
  readonly errno?: string;
  readonly layer: Layer;
  /** The rule that decided, for people: its words may change. */
  readonly rule: string;
  /** The options that would allow the call, quoted for a shell. */
  readonly allow?: string;
  /** An option that wins over them and has to go. */
  readonly instead?: string;
  /** Why no option is suggested although one would allow it. */
  readonly sensitive?: string;
}

export type LoggedObject =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'paths'; readonly from: string; readonly to: string }
  | {
      readonly kind: 'address';
      readonly address: string;
      readonly port: number;
      readonly protocol: string;
      /** The names of hosts that the address was given out for, where the policy has rules about names. */
      readonly names?: readonly string[];
    }
  | { readonly kind: 'unix-path'; readonly path: string }
  | { readonly kind: 'unix-abstract'; readonly name: string }
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'none' };
