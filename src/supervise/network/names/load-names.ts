/** Loads what looks names up, and reads DNS, for policies that speak of names: others start without it. */
import { Errno, SyscallError } from '../../../linux/errno.ts';
import { datagramReceiver } from '../../../linux/inet-diag.ts';
import { openInternetSocket, socketAddress } from '../../../linux/internet-sockets.ts';
import { close } from '../../../linux/libc.ts';
import {
  AF_INET,
  SOCK_DGRAM,
  bind,
  localAddress,
  namespaceCookie,
  socketCookie,
} from '../../../linux/sockets.ts';
import { namesPolicy } from '../../../policy/judges-names.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { NameService, NameServiceOf } from './name-service.ts';

const NEEDED = 'names of hosts: sock_diag of UDP sockets, or SO_NETNS_COOKIE';

/** Whether the kernel tells who asks: what is needed for that is old, but may be left out of a kernel. */
export function tellsReceivers(): boolean {
  const socket = openInternetSocket(AF_INET, SOCK_DGRAM);
  if (socket < 0) return false;
  const address = Uint8Array.of(127, 0, 0, 1);
  const bound = bind(socket, socketAddress(address, 0)) === 0 ? localAddress(socket) : -1;
  const port = typeof bound === 'number' ? 0 : bound.readUInt16BE(2);
  const cookie = socketCookie(socket);
  const told = datagramReceiver({ address, port: 9 }, { address, port });
  const tells = told !== undefined && told === cookie && namespaceCookie(socket) !== undefined;
  close(socket);
  return tells;
}

let make: ((of: NameServiceOf) => NameService) | undefined;

/** To be waited for before a sandbox is made of such a policy. Throws a SyscallError where the kernel does not tell who asks. */
export async function loadNameService(policy: Policy): Promise<void> {
  if (namesPolicy(policy) === undefined) return;
  if (!tellsReceivers()) throw new SyscallError(NEEDED, Errno.EOPNOTSUPP);
  const { SystemNames } = await import('./system-names.ts');
  make = (of) => new SystemNames(of);
}

/** Throws where it was not loaded. */
export function makeNameService(of: NameServiceOf): NameService {
  if (make === undefined) throw new Error('what looks names up was not loaded');
  return make(of);
}
