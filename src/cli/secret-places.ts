/** What is secret here: the places of `@secrets`, for what a person is told. Import it lazily. */
import { Ways } from '../policy/links.ts';
import type { PathBytes } from '../policy/policy.ts';
import type { Secrets } from '../report/sensitive.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { RulePlace } from '../rules/rule.ts';
import { placesEnvironment } from './places-environment.ts';
import { Sets } from './sets.ts';

/** Looked up when it is first asked. */
export class SecretPlaces implements Secrets {
  #index: RuleIndex | undefined;

  has(path: PathBytes): boolean {
    return this.#places().isDenied(path);
  }

  mayHold(path: PathBytes): boolean {
    return this.#places().mayDenyWithin(path);
  }

  #places(): RuleIndex {
    return (this.#index ??= new RuleIndex(
      secretPlaces().map((place) => ({ effect: 'deny', place, said: '' })),
    ));
  }
}

/** Where the set cannot be read, everything is meant. */
function secretPlaces(): RulePlace[] {
  try {
    return placesOfSet('@secrets');
  } catch {
    return [{ kind: 'path', path: Buffer.from('/') }];
  }
}

/** The places of a set that comes with secfilt. Throws a UsageError where it cannot be read. */
export function placesOfSet(text: string): RulePlace[] {
  const word = { spelling: text, text, origin: { kind: 'command-line' } } as const;
  return new Sets(new Ways(), [], placesEnvironment()).placesOf(word).map(({ place }) => place);
}
