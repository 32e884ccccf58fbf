/** What the handlers of calls on sockets have at hand. */
import type { FileRules } from '../../judge/files.ts';
import type { ListenRules } from '../../judge/listening.ts';
import type { NetworkRules } from '../../judge/network.ts';
import type { UnixRules } from '../../judge/unix-sockets.ts';
import type { Context } from '../context.ts';
import type { MadeFiles } from '../files/made-files.ts';
import type { PendingCalls } from '../pending.ts';
import type { Referral, Reply } from '../referral.ts';
import type { BoundSockets } from './bound-sockets.ts';
import type { NameService } from './names/name-service.ts';

/** Whether a program has made a socket block while its connect was tried, which takes a thread that does nothing else. */
export class BlockingConnects {
  seen = false;
}

export interface NetworkContext extends Context {
  readonly network: NetworkRules;
  readonly listening: ListenRules;
  readonly unix: UnixRules;
  /** Unix sockets that were bound by processes of the sandbox. */
  readonly bound: BoundSockets;
  readonly pending: PendingCalls;
  readonly files: FileRules;
  /** What the sandbox made in directories that it shares with others. */
  readonly made: MadeFiles;
  readonly blocking: BlockingConnects;
  /** Looks names up for the sandbox, where the policy has rules about names. */
  readonly names?: NameService | undefined;
}

/** Handles one kind of call on sockets. */
export type NetworkHandler = (referral: Referral, context: NetworkContext) => Reply;
