/**
 * UDP sockets of the sandbox that are connected to others of it on this host. What they send the kernel sends by number, and nobody judges
 * it. So while one is connected the supervisor holds who has that number, and looks whenever a port is given or given up whether it is
 * still needed.
 */
import { connectedTo } from '../../linux/inet-diag.ts';
import { close } from '../../linux/libc.ts';
import {
  AF_UNSPEC,
  IPPROTO_UDP,
  connect,
  integerOption,
  localAddress,
  setIntegerOption,
  socketCookie,
} from '../../linux/sockets.ts';
import { internetAddressOf, type InternetDestination } from '../../judge/destination.ts';
import type { DatagramSockets } from './datagram-sockets.ts';
import type { HeldSocket } from './held-socket.ts';
import type { TargetSocket } from './target-socket.ts';
import type { Members } from '../target/members.ts';

export const UDP_CORK = 1;
/** Each receiver costs a descriptor. */
const MOST_RECEIVERS = 256;
const MOST_SENDERS = 4096;
const NO_ADDRESS = new Uint8Array(16);

/** A socket that is connected to others of the sandbox. */
export interface Sender {
  readonly kind: TargetSocket['kind'];
  readonly destination: InternetDestination;
  readonly receivers: ReadonlySet<bigint>;
}

export class Associations {
  readonly #held = new Map<bigint, HeldSocket>();
  readonly #senders = new Map<bigint, Sender>();

  get isEmpty(): boolean {
    return this.#senders.size === 0;
  }

  /** Whether others are connected to a socket, which is held for that. */
  holds(cookie: bigint): boolean {
    return this.#held.has(cookie);
  }

  heldAs(cookie: bigint): HeldSocket | undefined {
    return this.#held.get(cookie);
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#held.size < MOST_RECEIVERS && this.#senders.size < MOST_SENDERS;
  }

  /**
   * A socket has been connected: what it had corked for whom it was connected to before is sent, and they are let go.
   * @param to whom it is connected to now, and those of them that are not held yet, which are taken over; undefined: nobody inside
   */
  moved(
    { descriptor, kind }: TargetSocket,
    to?: {
      readonly destination: InternetDestination;
      readonly cookies: readonly bigint[];
      readonly held: ReadonlyMap<bigint, HeldSocket>;
    },
  ): void {
    const cookie = socketCookie(descriptor);
    if (typeof cookie === 'number') return;
    const before = this.#senders.get(cookie);
    if (before !== undefined) {
      flush(descriptor);
      this.#senders.delete(cookie);
    }
    if (to !== undefined) {
      for (const [receiver, held] of to.held) this.#held.set(receiver, held);
      this.#senders.set(cookie, { kind, destination: to.destination, receivers: new Set(to.cookies) });
    }
    if (before !== undefined) this.#letGo();
  }

  /**
   * Whether a connect would take a socket away from where others are connected to: one that the kernel gave its port loses that when it
   * is disconnected, and one at every address gets the one that it sends from.
   * @param address struct sockaddr
   */
  wouldLeave(cookie: bigint, descriptor: number, address: Buffer): boolean {
    if (!this.#held.has(cookie)) return false;
    if (address.length < 2 || address.readUInt16LE(0) === AF_UNSPEC) return true;
    const local = localAddress(descriptor);
    const own = typeof local === 'number' ? undefined : internetAddressOf(Buffer.from(local));
    if (own === undefined) return true;
    if (!own.address.every((byte) => byte === 0)) return false;
    const to = internetAddressOf(address)?.address;
    const stays = (there: Uint8Array): boolean =>
      to !== undefined && Buffer.compare(to, there) === 0 && isPlainLoopback(there);
    return ![...this.#senders.values()].every(
      ({ receivers, destination }) => !receivers.has(cookie) || stays(destination.address),
    );
  }

  /** Lets go whom nobody is connected to any more. */
  sweep(datagrams: DatagramSockets, members: Members): void {
    if (this.isEmpty) return;
    const connected = new Map<string, ReadonlySet<bigint> | undefined>();
    for (const [cookie, { kind, destination }] of this.#senders) {
      const key = `${kind.domain} ${destination.port}`;
      if (!connected.has(key)) connected.set(key, connectedTo(kind.domain, destination.port));
      const isConnected = connected.get(key)?.has(cookie);
      const own = this.#held.get(cookie);
      if (isConnected !== false && own !== undefined && !isOpenInside(cookie, datagrams, members)) {
        // It is only there because we hold it. Should it be on its way to somebody, he gets it so.
        if (connectToItself(own.descriptor)) this.#senders.delete(cookie);
      } else if (isConnected === false) this.#senders.delete(cookie);
    }
    this.#letGo();
  }

  /** Who is connected to sockets that have a port. */
  sendersTo(port: number): ReadonlyMap<bigint, Sender> {
    return new Map([...this.#senders].filter(([, { destination }]) => destination.port === port));
  }

  /** Forgets all, when the sandbox has ended. */
  release(): void {
    this.#senders.clear();
    this.#letGo();
  }

  #letGo(): void {
    const needed = new Set([...this.#senders.values()].flatMap(({ receivers }) => [...receivers]));
    for (const [cookie, held] of this.#held) {
      if (needed.has(cookie)) continue;
      this.#held.delete(cookie);
      held.letGo();
    }
  }
}

function isOpenInside(cookie: bigint, datagrams: DatagramSockets, members: Members): boolean {
  const copy = datagrams.hold(cookie, members);
  if (copy >= 0) close(copy);
  return copy >= 0;
}

/** 127.0.0.1 and ::1: the addresses that are sent from to themselves. */
function isPlainLoopback(address: Uint8Array): boolean {
  return (
    address.at(-1) === 1 &&
    (address.length === 16 || address[0] === 127) &&
    address.slice(1, -1).every((byte) => byte === 0)
  );
}

/** Sends what was held back (MSG_MORE, udp(7), UDP_CORK): it goes where it was meant for, whomever the socket is connected to now. */
export function flush(descriptor: number): void {
  const isCorked = integerOption(descriptor, IPPROTO_UDP, UDP_CORK) > 0;
  setIntegerOption(descriptor, IPPROTO_UDP, UDP_CORK, 0);
  if (isCorked) setIntegerOption(descriptor, IPPROTO_UDP, UDP_CORK, 1);
}

/** Nobody gets then what it sends. It keeps its port, which others may be connected to. */
export function connectToItself(descriptor: number): boolean {
  const own = localAddress(descriptor);
  if (typeof own === 'number' || connect(descriptor, Buffer.from(own)) !== 0) return false;
  flush(descriptor);
  return true;
}

export function disconnect(descriptor: number): void {
  connect(descriptor, NO_ADDRESS);
  flush(descriptor);
}
