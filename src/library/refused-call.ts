/** What the library tells of a call that was refused. */
import type { LogRecord } from '../report/log-record.ts';

/** A line of the log (docs/log-schema.md) about a call that was refused. */
export type RefusedCall = LogRecord & { readonly verdict: 'refused' };

/** A call that no rule allows, and of which a program is asked what becomes of it. */
export type AskedCall = LogRecord;

/** What `ask` says of a call. */
export type Verdict = 'allow' | 'refuse';
