/**
 * What stands in a resolver's place: sockets at this host's loopback address that answer what a sandbox asks of one real resolver. Each
 * question is judged before anything is looked up, and asked anew in words of our own.
 */
import { Errno, SyscallError } from '../../../linux/errno.ts';
import { datagramReceiver, connectionEnd, type InternetAddress } from '../../../linux/inet-diag.ts';
import {
  accept,
  openInternetSocket,
  receive,
  socketAddress,
  transmit,
} from '../../../linux/internet-sockets.ts';
import { close } from '../../../linux/libc.ts';
import {
  AF_INET,
  AF_INET6,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_RCVBUF,
  bind,
  listen,
  localAddress,
  peerAddress,
  setIntegerOption,
} from '../../../linux/sockets.ts';
import { internetAddressOf } from '../../../judge/destination.ts';
import { readQuestion, writeAnswer, type Answer, type Question } from '../../../judge/names/message.ts';
import {
  judgeAnswer,
  judgeLookUp,
  type LookUpPolicy,
  type LookUpVerdict,
} from '../../../judge/names/look-up.ts';
import { ResponseCode } from '../../../judge/names/record.ts';
import type { AddressBytes } from '../../../policy/addresses.ts';
import { Exchange } from './exchange.ts';
import { MessageStream, framed } from './message-stream.ts';
import type { Watching } from './watching.ts';

const IPV4_LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const IPV6_LOOPBACK = Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? 1 : 0));
const BACKLOG = 128;
/** Of one sandbox and resolver: so many questions are under way, and so many wait for their turn. Then the oldest gives way. */
const MOST_EXCHANGES = 64;
const MOST_WAITING = 4096;
/** Milliseconds after which one that is not answered, or a connection, gives way to those that wait. */
const PATIENCE = 2000;
/** Milliseconds after which nobody waits any more: resolver libraries ask once more after five seconds. */
const LONGEST_EXCHANGE = 15_000;
const MOST_CONNECTIONS = 128;
/** Questions that are taken before others have their turn. */
const QUESTIONS_AT_ONCE = 4;
/** The same of a connection, on which any number of them may have come. */
const BYTES_AT_ONCE = 256;
const LONGEST_STREAM = 65_535;
/** More has been sent than any question needs, and is no whole one. */
const LONGEST_WAITING = 8192;
/** Bytes of questions that have arrived; the kernel gives as much as it may (net.core.rmem_max). */
const RECEIVE_BUFFER = 1 << 20;

/** What the stubs of a sandbox ask, and tell. */
export interface StubHost {
  readonly watching: Watching;
  readonly policy: LookUpPolicy;
  /** Whether a socket is one of the sandbox that was led here. */
  readonly isClient: (cookie: bigint) => boolean;
  /** An allowed name has an address from now on, for so many seconds. */
  readonly given: (name: string, address: AddressBytes, timeToLive: number) => void;
  /** An allowed name was looked up, and there is something of it: these addresses, where such were asked for. */
  readonly found: (name: string, cookie: bigint, addresses: readonly AddressBytes[]) => void;
  readonly refused: (name: string, cookie: bigint, why: Refusal) => void;
}

export type Refusal =
  | { readonly kind: 'name' }
  /** The name stands for another, which is denied. */
  | { readonly kind: 'denied'; readonly name: string }
  /** It has an address that is not of the internet. */
  | { readonly kind: 'address'; readonly address: AddressBytes };

/** Who asks, and how he is answered. */
interface Asker {
  readonly cookie: bigint;
  readonly protocol: 'tcp' | 'udp';
  readonly limit: number;
  readonly send: (message: Buffer) => void;
}

/** What waits to be asked. */
interface Wanted {
  readonly question: Question;
  readonly verdict: Extract<LookUpVerdict, { kind: 'ask' }>;
  readonly asker: Asker;
  /** Of performance.now. */
  readonly since: number;
}

interface Connection {
  readonly descriptor: number;
  readonly cookie: bigint;
  readonly stream: MessageStream;
  /** Of performance.now. */
  readonly since: number;
}

export class Stub {
  readonly #host: StubHost;
  readonly #resolver: Buffer;
  readonly #exchanges = new Set<Exchange>();
  readonly #waiting = new Set<Wanted>();
  readonly #connections = new Map<number, Connection>();
  readonly #udp: number;
  readonly #tcp: number;
  #isListening = false;
  /** struct sockaddr of the two. */
  readonly datagramAddress: Buffer;
  readonly streamAddress: Buffer;

  private constructor(host: StubHost, resolver: Buffer, udp: number, tcp: number) {
    this.#host = host;
    this.#resolver = resolver;
    this.#udp = udp;
    this.#tcp = tcp;
    this.datagramAddress = copyOf(localAddress(udp));
    this.streamAddress = copyOf(localAddress(tcp));
    host.watching.watch(udp, () => this.#readDatagrams());
    try {
      this.listen();
    } catch (error) {
      host.watching.unwatch(udp);
      throw error;
    }
  }

  /** Goes on with connections, where that was put off. Throws a SyscallError. */
  listen(): void {
    if (this.#isListening) return;
    this.#host.watching.watch(this.#tcp, () => this.#accept());
    this.#isListening = true;
  }

  #pause(): void {
    if (this.#isListening) this.#host.watching.unwatch(this.#tcp);
    this.#isListening = false;
  }

  /**
   * Undefined where there cannot be one.
   * @param resolver struct sockaddr of the real one
   */
  static make(host: StubHost, resolver: Buffer): Stub | undefined {
    const isIpv6 = resolver.readUInt16LE(0) === AF_INET6;
    for (const loopback of isIpv6 ? [IPV6_LOOPBACK, IPV4_LOOPBACK] : [IPV4_LOOPBACK]) {
      const udp = bound(loopback, SOCK_DGRAM);
      const tcp = udp < 0 ? -1 : bound(loopback, SOCK_STREAM);
      try {
        if (tcp >= 0 && listen(tcp, BACKLOG) === 0) return new Stub(host, resolver, udp, tcp);
      } catch (error) {
        // A sandbox can use up what its user may watch (epoll(7), max_user_watches).
        if (!(error instanceof SyscallError)) throw error;
      }
      for (const descriptor of [udp, tcp]) if (descriptor >= 0) close(descriptor);
    }
    return undefined;
  }

  release(): void {
    for (const exchange of this.#exchanges) exchange.drop();
    for (const connection of this.#connections.values()) this.#hangUp(connection);
    this.#waiting.clear();
    this.#pause();
    this.#host.watching.unwatch(this.#udp);
    close(this.#udp);
    close(this.#tcp);
  }

  #readDatagrams(): void {
    for (let count = 0; count < QUESTIONS_AT_ONCE; count += 1) {
      const received = receive(this.#udp);
      if (typeof received === 'number') return;
      const { bytes, from } = received;
      const asker = internetAddressOf(from);
      const own = internetAddressOf(this.datagramAddress);
      // Who would get the answer: a socket that was led here, not one that has its port by now.
      const cookie = asker && own && datagramReceiver(own, asker);
      if (cookie === undefined || !this.#host.isClient(cookie)) continue;
      const send = (message: Buffer): void => void transmit(this.#udp, message, from);
      this.#answer(bytes, { cookie, protocol: 'udp', limit: 0, send });
    }
  }

  #accept(): void {
    const [oldest] = this.#connections.values();
    if (oldest !== undefined && this.#connections.size >= MOST_CONNECTIONS) {
      // Others wait until one of them ends, or has had its time.
      if (oldest.since > performance.now() - PATIENCE) return this.#pause();
      this.#hangUp(oldest);
    }
    const descriptor = accept(this.#tcp);
    if (descriptor === -Errno.EMFILE || descriptor === -Errno.ENFILE) {
      // Else it would be told of again and again that somebody waits.
      this.#pause();
      return;
    }
    if (descriptor < 0) return;
    const [own, peer] = [addressOf(localAddress(descriptor)), addressOf(peerAddress(descriptor))];
    const end = own && peer && connectionEnd(peer, own);
    if (end === undefined || !this.#host.isClient(end.cookie)) return void close(descriptor);
    const since = performance.now();
    const connection = { descriptor, cookie: end.cookie, stream: new MessageStream(), since };
    try {
      this.#host.watching.watch(descriptor, () => this.#readConnection(connection));
    } catch {
      return void close(descriptor);
    }
    this.#connections.set(descriptor, connection);
  }

  #readConnection(connection: Connection): void {
    const { descriptor, cookie, stream } = connection;
    const received = receive(descriptor, BYTES_AT_ONCE);
    if (typeof received === 'number' || received.bytes.length === 0) {
      if (!isPassing(received)) this.#hangUp(connection);
      return;
    }
    stream.add(received.bytes);
    const send = (message: Buffer): void => {
      // Who does not read his answers gets no more.
      const bytes = framed(message);
      const isSame = this.#connections.get(descriptor) === connection;
      if (isSame && transmit(descriptor, bytes) !== bytes.length) this.#hangUp(connection);
    };
    const asker: Asker = { cookie, protocol: 'tcp', limit: LONGEST_STREAM, send };
    for (let message = stream.next(); message !== undefined; message = stream.next())
      this.#answer(message, asker);
    if (stream.waiting > LONGEST_WAITING) this.#hangUp(connection);
  }

  #hangUp(connection: Connection): void {
    if (this.#connections.get(connection.descriptor) !== connection) return;
    this.#connections.delete(connection.descriptor);
    this.#host.watching.unwatch(connection.descriptor);
    close(connection.descriptor);
    try {
      this.listen();
    } catch (error) {
      // Whoever is led here next tries it again.
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  #answer(message: Buffer, asker: Asker): void {
    const question = readQuestion(message);
    if (question === undefined) return;
    if (Buffer.isBuffer(question)) return asker.send(question);
    const { name, type, isInternet } = question;
    const verdict = judgeLookUp({ name: name?.toLowerCase(), type, isInternet }, this.#host.policy);
    if (verdict.kind === 'ask') return this.#ask(question, verdict, asker);
    if (verdict.refused !== undefined) this.#host.refused(verdict.refused, asker.cookie, { kind: 'name' });
    asker.send(writeAnswer(question, verdict.code, [], limitOf(question, asker)));
  }

  #ask(question: Question, verdict: Extract<LookUpVerdict, { kind: 'ask' }>, asker: Asker): void {
    this.#waiting.add({ question, verdict, asker, since: performance.now() });
    for (const oldest of this.#waiting) {
      if (this.#waiting.size <= MOST_WAITING) break;
      this.#waiting.delete(oldest);
    }
    this.#begin();
  }

  /** Those whose turn it is. */
  #begin(): void {
    this.#dropOld();
    const before = performance.now() - LONGEST_EXCHANGE;
    for (const next of this.#waiting) {
      if (this.#exchanges.size >= MOST_EXCHANGES) return;
      this.#waiting.delete(next);
      if (next.since > before) this.#exchange(next);
    }
  }

  #exchange({ question, verdict, asker }: Wanted): void {
    const { name, type } = verdict;
    const { protocol } = asker;
    const exchange = new Exchange(this.#host.watching, this.#resolver, {
      name,
      type,
      protocol,
      extended: question.extended,
      answered: (answer) => {
        this.#exchanges.delete(exchange);
        this.#pass(question, verdict, asker, answer);
        this.#begin();
      },
    });
    if (exchange.isOpen) this.#exchanges.add(exchange);
    else this.#pass(question, verdict, asker, 'failed');
  }

  #dropOld(): void {
    const isFull = this.#exchanges.size >= MOST_EXCHANGES;
    const before = performance.now() - (isFull ? PATIENCE : LONGEST_EXCHANGE);
    for (const oldest of this.#exchanges) {
      if (oldest.since > before) break;
      oldest.drop();
      this.#exchanges.delete(oldest);
    }
  }

  #pass(
    question: Question,
    verdict: Extract<LookUpVerdict, { kind: 'ask' }>,
    asker: Asker,
    answer: Answer | 'failed',
  ): void {
    const limit = limitOf(question, asker);
    // A resolver that is not there: who asked goes on to the next.
    if (answer === 'failed') return asker.send(writeAnswer(question, ResponseCode.serverFailure, [], limit));
    const { name } = verdict;
    const { given, found, refused, policy } = this.#host;
    const judged = judgeAnswer(verdict, answer.records, policy.rules);
    if (judged.kind === 'denied') {
      refused(name, asker.cookie, judged);
      return asker.send(writeAnswer(question, ResponseCode.nameError, [], limit));
    }
    for (const one of judged.given) given(one.name, one.address, one.timeToLive);
    if (verdict.grants && judged.records.length > 0)
      found(
        name,
        asker.cookie,
        judged.given.map(({ address }) => address),
      );
    for (const address of judged.dropped) refused(name, asker.cookie, { kind: 'address', address });
    asker.send(writeAnswer(question, answer.code, judged.records, limit, answer.truncated));
  }
}

function limitOf({ size }: Question, { protocol, limit }: Asker): number {
  return protocol === 'udp' ? size : limit;
}

function isPassing(received: ReturnType<typeof receive>): boolean {
  return received === -Errno.EAGAIN || received === -Errno.EINTR;
}

/** A socket at a port that the kernel chooses, or a negated error number. */
function bound(loopback: Uint8Array, type: number): number {
  const descriptor = openInternetSocket(loopback.length === 4 ? AF_INET : AF_INET6, type);
  if (descriptor < 0) return descriptor;
  if (type === SOCK_DGRAM) setIntegerOption(descriptor, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  const result = bind(descriptor, socketAddress(loopback, 0));
  if (result === 0) return descriptor;
  close(descriptor);
  return result;
}

function copyOf(address: Buffer | number): Buffer {
  return typeof address === 'number' ? Buffer.alloc(0) : Buffer.from(address);
}

function addressOf(address: Buffer | number): InternetAddress | undefined {
  return internetAddressOf(copyOf(address));
}
