/** What lies inside what: paths by whole components, addresses by leading bits. */
import type { AddressBytes, Network, PathBytes } from './policy.ts';

const SLASH = 0x2f;

/** True when a path is the directory or lies below it. Both absolute and resolved, without trailing slash. */
export function isWithin(path: PathBytes, directory: PathBytes): boolean {
  const length = directory.length === 1 ? 0 : directory.length;
  // Most are told apart by one byte, which costs less than to compare them.
  if (path.length < length || (length > 0 && path[length - 1] !== directory[length - 1])) return false;
  if (path.compare(directory, 0, length, 0, length) !== 0) return false;
  return path.length === length || path[length] === SLASH;
}

/** True when an address belongs to a network of the same family. */
export function isInNetwork(address: AddressBytes, network: Network): boolean {
  if (address.length !== network.address.length) return false;
  const whole = network.prefix >> 3;
  for (let i = 0; i < whole; i += 1) if (address[i] !== network.address[i]) return false;
  const bits = network.prefix & 7;
  const mask = 0xff & (0xff << (8 - bits));
  return bits === 0 || ((address[whole] ?? 0) & mask) === network.address[whole];
}
