/** Rules about names of hosts: for each name the decisions by port, folded when it is first asked about. Pure. */
import type { DestinationRule, HostName } from '../policy/destinations.ts';
import type { Network } from '../policy/policy.ts';
import { PortDecisions, type PortRule } from './port-decisions.ts';

/** A rule about a name, and how it counts. */
export interface HostRule extends PortRule {
  readonly name: HostName;
  readonly effect: DestinationRule['effect'];
  readonly mayPointTo?: readonly Network[] | undefined;
}

/** What was decided is kept for so many names: a program may ask about any number of them. */
const MOST_NAMES = 4096;

export class HostRules {
  /** By the name, or the zone's name, as text. */
  readonly #exact = new Map<string, HostRule[]>();
  readonly #zones = new Map<string, HostRule[]>();
  readonly #decisions = new Map<string, PortDecisions>();

  /** @param rules in any order */
  constructor(rules: readonly HostRule[]) {
    for (const rule of rules) {
      const map = rule.name.zone ? this.#zones : this.#exact;
      const key = rule.name.labels.join('.');
      const sofar = map.get(key);
      if (sofar) sofar.push(rule);
      else map.set(key, [rule]);
    }
    for (const map of [this.#exact, this.#zones]) for (const each of map.values()) each.sort(byRank);
  }

  /** What is decided about a name in lower case, without the dot at the end. */
  decisionsOf(name: string): PortDecisions {
    const known = this.#decisions.get(name);
    if (known !== undefined) return known;
    const made = new PortDecisions(this.rulesOf(name));
    if (this.#decisions.size >= MOST_NAMES) this.#decisions.clear();
    this.#decisions.set(name, made);
    return made;
  }

  /** The rules that speak of a name, the one that decides first before the others: the name's own, then those of its zones, the longest first. */
  rulesOf(name: string): readonly HostRule[] {
    const found = [...(this.#exact.get(name) ?? [])];
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      found.push(...(this.#zones.get(name.slice(dot + 1)) ?? []));
    found.push(...(this.#zones.get('') ?? []));
    return found;
  }
}

/** Of rules about one place: one that names ports or a protocol before one that does not, and deny before allow. */
export function byRank(one: Ranked, other: Ranked): number {
  return (
    Number(isWide(one)) - Number(isWide(other)) ||
    Number(one.effect === 'allow') - Number(other.effect === 'allow')
  );
}

type Ranked = Pick<DestinationRule, 'effect' | 'ports' | 'protocol'>;

function isWide({ ports, protocol }: Ranked): boolean {
  return ports === undefined && protocol === undefined;
}
