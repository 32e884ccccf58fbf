/** What the handlers of calls that may change files need besides. */
import type { FileRules } from '../../judge/files.ts';
import type { Context } from '../context.ts';
import type { PendingCalls } from '../pending.ts';
import type { Referral, Reply } from '../referral.ts';
import type { InnerDomains } from '../target/inner-domains.ts';
import type { Members } from '../target/members.ts';
import type { MadeFiles } from './made-files.ts';
import type { PseudoTerminals } from './pseudo-terminals.ts';
import type { QuickWay } from './quick-way.ts';
import type { Terminals } from './terminals.ts';

/** The context of handlers where the policy restricts files. */
export interface FileContext extends Context {
  readonly files: FileRules;
  readonly members: Members;
  /** Only where Landlock decides every change again and nobody wants to hear of allowed ones. */
  readonly quick: QuickWay | undefined;
  /** The same for names that are made, moved and removed: not where reading is judged, which depends on them. */
  readonly quickNames: QuickWay | undefined;
  /** The same for what is to be read, where that is judged. */
  readonly quickReading: QuickWay | undefined;
  readonly pending: PendingCalls;
  readonly innerDomains: InnerDomains;
  readonly terminals: Terminals;
  /** What the sandbox made in directories that it shares with others. */
  readonly made: MadeFiles;
  readonly pseudoTerminals: PseudoTerminals;
}

/** Handles one kind of call that may change files. */
export type FileHandler = (referral: Referral, context: FileContext) => Reply;
