/** The resolvers of the system, as glibc finds them (resolv.conf(5)). Import it lazily, like networks.ts. */
import { readFileSync } from 'node:fs';
import { Errno, errnoMessage } from '../linux/errno.ts';
import { parseAddress } from './networks.ts';
import type { AddressBytes, Endpoint } from './policy.ts';
import { nameservers } from './resolv-conf.ts';
import { errnoOf } from './system-error.ts';
import { ValueError } from './value-error.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const DNS_PORT = 53;
const LOCALHOST = Uint8Array.of(127, 0, 0, 1);

/** The resolvers that resolv.conf lists. A missing file means the one on this machine; an unreadable one is an error. */
export function systemResolvers(file: string = RESOLV_CONF): Endpoint[] {
  let text = '';
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== Errno.ENOENT)
      throw new ValueError('cannot be granted', { hint: `${file}: ${errnoMessage(errno)}` });
  }
  return parseResolvers(text);
}

/**
 * Port 53 of each nameserver line, all of them (glibc itself stops at three). Lines that hold no address are passed
 * over as glibc does; without any the resolver is 127.0.0.1.
 */
export function parseResolvers(text: string): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const word of nameservers(text)) {
    const address = parseAddress(word);
    if (address) found.set(address.join(), { address: destination(address), port: DNS_PORT });
  }
  return found.size > 0 ? [...found.values()] : [{ address: LOCALHOST, port: DNS_PORT }];
}

/** What the kernel sends to where the unspecified address is given: loopback. */
function destination(address: AddressBytes): AddressBytes {
  if (address.some((byte) => byte !== 0)) return address;
  return address.length === 4 ? LOCALHOST : Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0));
}
