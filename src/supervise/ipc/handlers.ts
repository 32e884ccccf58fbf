/** Which handler answers which call on objects that are shared by name or number. */
import { entriesOf } from '../../linux/entries.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { FileRules } from '../../judge/files.ts';
import type { Context } from '../context.ts';
import type { Referral, Reply } from '../referral.ts';
import { MadeObjects } from './made-objects.ts';
import { MadeQueues } from './made-queues.ts';
import { QUEUE_HANDLERS, type QueueContext } from './message-queues.ts';
import { SYSTEM_V_CALLS, SYSTEM_V_GETS, type SystemVContext } from './system-v.ts';

/**
 * The handlers of one sandbox, by the number of the call.
 * @param asWhoCalls makes a handler act with the caller's credentials
 */
export function ipcHandlers(
  context: Context & { readonly files?: FileRules },
  asWhoCalls: <Own extends Context>(
    context: Own,
    handler: (referral: Referral, context: Own) => Reply,
  ) => (referral: Referral) => Reply,
): Map<number, (referral: Referral) => Reply> {
  const handlers = new Map<number, (referral: Referral) => Reply>();
  const systemV: SystemVContext = { ...context, objects: new MadeObjects() };
  for (const [name, handler] of entriesOf(SYSTEM_V_GETS))
    handlers.set(X86_64[name], asWhoCalls(systemV, handler));
  for (const [name, handler] of entriesOf(SYSTEM_V_CALLS))
    handlers.set(X86_64[name], (referral) => handler(referral, systemV));
  const { files } = context;
  if (files === undefined) return handlers;
  const queues: QueueContext = { ...context, files, queues: new MadeQueues() };
  for (const [name, handler] of entriesOf(QUEUE_HANDLERS))
    handlers.set(X86_64[name], asWhoCalls(queues, handler));
  return handlers;
}
