/**
 * Listeners outside the sandbox: what they hear is the truth about what got out.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';

import type { Scope } from '../support/temporary.ts';

export interface Listener {
  readonly address: string;
  /** The same number for TCP and UDP. */
  readonly port: number;
  /** What arrived: `tcp` for a connection, `udp` and the text for a datagram. */
  readonly heard: string[];
  /** The ports that connections came from. */
  readonly sources: Set<number | undefined>;
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
  const sources = new Set<number | undefined>();
  const server = createServer((socket) => {
    heard.push('tcp');
    sources.add(socket.remotePort);
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
  return { address, port, heard, sources };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}

/**
 * Time for what is under way on this host to be heard: until a datagram and a connection of our own have come by the same
 * ways.
 */
export async function settle(listener: Listener): Promise<void> {
  await Promise.all([settleDatagrams(listener), settleConnections(listener)]);
}

async function settleDatagrams({ address, port, heard }: Listener): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const mark = `udp mark ${Math.random()}`;
  socket.send(mark.slice('udp '.length), port, address);
  await until(() => heard.includes(mark));
  heard.splice(heard.indexOf(mark), 1);
  socket.close();
}

/** Connections are accepted in the order in which they were established. */
async function settleConnections({ address, port, heard, sources }: Listener): Promise<void> {
  const socket = createConnection({ host: address, port });
  await once(socket, 'connect');
  await until(() => sources.has(socket.localPort));
  sources.delete(socket.localPort);
  heard.splice(heard.lastIndexOf('tcp'), 1);
  socket.destroy();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
