/** What an engine with a supervisor is given to run. */
import type { Plan } from '../../plan/plan.ts';
import type { Asker } from '../asking.ts';
import type { Reporter } from '../../report/event.ts';
import type { OwnIdentity } from './self.ts';

export interface EngineRun {
  readonly plan: Plan;
  /** The program of the plan's filter. */
  readonly filter: Buffer;
  readonly identity: OwnIdentity;
  /** The path to execute, resolved already. */
  readonly command: Buffer;
  readonly argv: readonly Buffer[];
  readonly reporter: Reporter;
  /** Asked about what no rule allows. */
  readonly ask?: Asker | undefined;
  /** Told of faults of our own while a referral was handled; the call was refused. */
  readonly fault: (error: unknown) => void;
  /** A line for whoever runs secfilt. */
  readonly notice: (line: string) => void;
}
