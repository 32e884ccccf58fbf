/** Which handler answers which call on objects that are shared by name or number. */
import { entriesOf } from '../../linux/entries.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { FileRules } from '../../judge/files.ts';
import type { Context } from '../context.ts';
import type { Referral, Reply } from '../referral.ts';
import type { MadeObjects } from './made-objects.ts';
import type { MadeQueues } from './made-queues.ts';
import { QUEUE_HANDLERS, type QueueContext } from './message-queues.ts';
import { SYSTEM_V_CALLS, SYSTEM_V_GETS, type SystemVContext } from './system-v.ts';

/** What one sandbox made, of objects that are not files. */
export interface IpcMade {
  readonly objects: MadeObjects;
  readonly queues: MadeQueues;
}

/**
 * The handlers of one sandbox, by the number of the call.
 * @param asWhoCalls makes a handler act with the caller's credentials
 */
export function ipcHandlers(
  context: Context & IpcMade & { readonly files?: FileRules },
  asWhoCalls: <Own extends Context>(
    context: Own,
    handler: (referral: Referral, context: Own) => Reply,
  ) => (referral: Referral) => Reply,
): Map<number, (referral: Referral) => Reply> {
  const handlers = new Map<number, (referral: Referral) => Reply>();
  for (const [name, handler] of entriesOf(SYSTEM_V_GETS))
    handlers.set(X86_64[name], asWhoCalls<SystemVContext>(context, handler));
  for (const [name, handler] of entriesOf(SYSTEM_V_CALLS))
    handlers.set(X86_64[name], (referral) => handler(referral, context));
  const { files } = context;
  if (files === undefined) return handlers;
  const queues: QueueContext = { ...context, files };
  for (const [name, handler] of entriesOf(QUEUE_HANDLERS))
    handlers.set(X86_64[name], asWhoCalls(queues, handler));
  return handlers;
}
