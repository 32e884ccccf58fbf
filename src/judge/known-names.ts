/** What the judge of destinations asks about names. */
import type { AddressBytes } from '../policy/policy.ts';

export interface KnownNames {
  /** The names that an address was given out for and that are not forgotten: lower case, without the dot at the end. */
  namesOf(address: AddressBytes): readonly string[];
}

/** Nobody has looked a name up. */
export const NO_NAMES: KnownNames = { namesOf: () => [] };
