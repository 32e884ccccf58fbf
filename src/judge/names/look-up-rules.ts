/** Which names may be looked up, and where their answers may point: what the rules about hosts say before there is an address. Pure. */
import type { AddressBytes, Network } from '../../policy/addresses.ts';
import type { DestinationRule } from '../../policy/destinations.ts';
import { AddressRanges } from '../address-ranges.ts';
import { isOfInternet } from './internet-addresses.ts';

/** 'none': no rule speaks of the name. */
export type NameVerdict = 'allow' | 'deny' | 'none';

/** Rules of one name or of one zone. */
interface Level {
  readonly rules: DestinationRule[];
}

export class LookUpRules {
  readonly #names = new Map<string, Level>();
  readonly #zones = new Map<string, Level>();
  readonly #allowed: readonly [AddressRanges, AddressRanges];
  /** Some name is allowed: the others then are not, unless something else allows them. */
  readonly allowsNames: boolean;

  /**
   * @param rules those about hosts count, and the networks that others allow
   * @param networks that are allowed besides
   */
  constructor(rules: readonly DestinationRule[], networks: readonly Network[] = []) {
    const allowed = [...networks];
    let allowsNames = false;
    for (const rule of rules) {
      const { to, effect } = rule;
      if (to.kind === 'network' && effect === 'allow') allowed.push(to.network);
      if (to.kind !== 'host') continue;
      allowsNames ||= effect === 'allow';
      const levels = to.name.zone ? this.#zones : this.#names;
      const key = to.name.labels.join('.');
      const level = levels.get(key) ?? { rules: [] };
      level.rules.push(rule);
      levels.set(key, level);
    }
    this.allowsNames = allowsNames;
    this.#allowed = [new AddressRanges(allowed, 4), new AddressRanges(allowed, 16)];
  }

  /**
   * Whether a look-up of a name has a use: some port of it is allowed. The most specific level that settles it decides: a denial of
   * some ports leaves the others to less specific rules.
   * @param name lower case, without the dot at the end
   */
  judge(name: string): NameVerdict {
    for (const { rules } of this.#levelsOf(name)) {
      if (rules.some(({ effect, ports, protocol }) => effect === 'deny' && !ports && !protocol))
        return rules.some(
          ({ effect, ports, protocol }) => effect === 'allow' && (ports ?? protocol) !== undefined,
        )
          ? 'allow'
          : 'deny';
      if (rules.some(({ effect }) => effect === 'allow')) return 'allow';
    }
    return 'none';
  }

  /** Whether some rule denies a name, or a port of it. */
  denies(name: string): boolean {
    for (const { rules } of this.#levelsOf(name))
      if (rules.some(({ effect }) => effect === 'deny')) return true;
    return false;
  }

  /**
   * Whether an answer for a name that is allowed may point to an address: any of the internet; others only where a rule for the name
   * says so, or the address is allowed by itself (DNS rebinding).
   */
  mayPointTo(name: string, address: AddressBytes): boolean {
    if (isOfInternet(address) || this.#allowed[address.length === 4 ? 0 : 1].has(address)) return true;
    for (const { rules } of this.#levelsOf(name))
      for (const { mayPointTo = [], effect } of rules)
        if (effect === 'allow' && mayPointTo.some((network) => isIn(address, network))) return true;
    return false;
  }

  /** The same of a file of the system's own. Its names are believed, but a zone opens nothing on this host or in its networks. */
  mayBeOfFile(name: string, address: AddressBytes): boolean {
    return this.#names.has(name) || this.mayPointTo(name, address);
  }

  *#levelsOf(name: string): Generator<Level> {
    const exact = this.#names.get(name);
    if (exact !== undefined) yield exact;
    if (this.#zones.size === 0) return;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const zone = this.#zones.get(name.slice(dot + 1));
      if (zone !== undefined) yield zone;
    }
    const all = this.#zones.get('');
    if (all !== undefined) yield all;
  }
}

function isIn(address: AddressBytes, { address: network, prefix }: Network): boolean {
  if (address.length !== network.length) return false;
  return network.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefix - 8 * index));
    return (((address[index] ?? 0) ^ byte) & (0xff << (8 - bits)) & 0xff) === 0;
  });
}
