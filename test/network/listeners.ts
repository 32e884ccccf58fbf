/**
 * Listeners outside the sandbox: what they hear is the truth about what got out.
 */
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';

import type { Scope } from '../support/temporary.ts';

export interface Listener {
  readonly address: string;
  /** The same number for TCP and UDP. */
  readonly port: number;
  /** What arrived: `tcp` for a connection, `udp` and the text for a datagram. */
  readonly heard: string[];
}

/** Listens on TCP and UDP at one address of this machine, on a port that is free for both. */
export async function listen(t: Scope, address: string): Promise<Listener> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const listener = await tryToListen(t, address);
    if (listener !== undefined) return listener;
  }
  throw new Error(`no port of ${address} is free for TCP and UDP`);
}

async function tryToListen(t: Scope, address: string): Promise<Listener | undefined> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    heard.push('tcp');
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port: 0, backlog: 511 }, resolve);
  });
  const { port } = addressOf(server.address());
  const datagrams = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const bound = await new Promise<boolean>((resolve) => {
    datagrams.once('error', () => resolve(false));
    datagrams.bind({ port, address }, () => resolve(true));
  });
  t.after(() => {
    server.close();
    if (bound) datagrams.close();
  });
  if (!bound) return undefined;
  datagrams.on('message', (message) => heard.push(`udp ${message.toString('latin1')}`));
  return { address, port, heard };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}

/** Time for what is under way on this host to be heard: until a datagram of our own has come by the same way. */
export async function settle(listener: Listener): Promise<void> {
  const socket = createSocket(listener.address.includes(':') ? 'udp6' : 'udp4');
  const mark = `mark ${Math.random()}`;
  socket.send(mark, listener.port, listener.address);
  while (!listener.heard.includes(`udp ${mark}`)) await new Promise((resolve) => setTimeout(resolve, 5));
  listener.heard.splice(listener.heard.indexOf(`udp ${mark}`), 1);
  socket.close();
}
