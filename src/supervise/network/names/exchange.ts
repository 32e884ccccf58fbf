/** One question to a real resolver, and its answer: by a datagram, or by a connection of its own. */
import { randomInt } from 'node:crypto';
import { Errno } from '../../../linux/errno.ts';
import { openInternetSocket, receive, transmit } from '../../../linux/internet-sockets.ts';
import { close } from '../../../linux/libc.ts';
import { SOCK_DGRAM, SOCK_STREAM, SO_ERROR, connect, socketOption } from '../../../linux/sockets.ts';
import { readAnswer, writeQuestion, type Answer } from '../../../judge/names/message.ts';
import type { AskedType } from '../../../judge/names/record.ts';
import { framed, MessageStream } from './message-stream.ts';
import { READABLE, WRITABLE, type Watching } from './watching.ts';

export interface Enquiry {
  readonly name: string;
  readonly type: AskedType;
  readonly extended: boolean;
  readonly protocol: 'tcp' | 'udp';
  /** Told once: the answer, or 'failed' where none can come any more. Not told where it is given up. */
  readonly answered: (answer: Answer | 'failed') => void;
}

/** A message of another's that comes in between is passed over so many times. */
const MOST_STRANGERS = 64;

/** Under way from its making. What never comes is the asker's to wait for. */
export class Exchange {
  readonly #watching: Watching;
  readonly #enquiry: Enquiry;
  /** Of performance.now. */
  readonly since = performance.now();
  readonly #id = randomInt(65_536);
  readonly #stream = new MessageStream();
  #descriptor: number;
  #strangers = 0;

  /** @param resolver struct sockaddr */
  constructor(watching: Watching, resolver: Buffer, enquiry: Enquiry) {
    this.#watching = watching;
    this.#enquiry = enquiry;
    const isDatagram = enquiry.protocol === 'udp';
    this.#descriptor = openInternetSocket(resolver.readUInt16LE(0), isDatagram ? SOCK_DGRAM : SOCK_STREAM);
    if (this.#descriptor < 0) return;
    // The kernel chooses another port for each.
    const result = connect(this.#descriptor, resolver);
    const isUnderWay = result === 0 || (!isDatagram && result === -Errno.EINPROGRESS);
    if (!isUnderWay || (isDatagram && !this.#send())) {
      this.#close();
      return;
    }
    try {
      if (isDatagram) watching.watch(this.#descriptor, () => this.#datagram(), READABLE);
      else watching.watch(this.#descriptor, () => this.#connected(), WRITABLE);
    } catch {
      this.#close();
    }
  }

  /** False: nothing comes any more. */
  get isOpen(): boolean {
    return this.#descriptor >= 0;
  }

  /** Gives it up. */
  drop(): void {
    if (this.#descriptor < 0) return;
    this.#watching.unwatch(this.#descriptor);
    this.#close();
  }

  #close(): void {
    close(this.#descriptor);
    this.#descriptor = -1;
  }

  #send(): boolean {
    const { name, type, extended, protocol } = this.#enquiry;
    const question = writeQuestion(this.#id, name, type, extended);
    const bytes = protocol === 'udp' ? question : framed(question);
    return transmit(this.#descriptor, bytes) === bytes.length;
  }

  #connected(): void {
    this.#watching.unwatch(this.#descriptor);
    if (socketOption(this.#descriptor, SO_ERROR) !== 0 || !this.#send()) {
      this.#close();
      return this.#enquiry.answered('failed');
    }
    try {
      this.#watching.watch(this.#descriptor, () => this.#readStream());
    } catch {
      // Somebody else had the place that was free for a moment (epoll(7), max_user_watches).
      this.#close();
      this.#enquiry.answered('failed');
    }
  }

  #datagram(): void {
    const received = receive(this.#descriptor);
    if (received === -Errno.EAGAIN || received === -Errno.EINTR) return;
    if (typeof received === 'number') return this.#end('failed');
    this.#take(received.bytes);
  }

  #readStream(): void {
    const received = receive(this.#descriptor);
    if (received === -Errno.EAGAIN || received === -Errno.EINTR) return;
    if (typeof received === 'number' || received.bytes.length === 0) return this.#end('failed');
    this.#stream.add(received.bytes);
    for (let message = this.#stream.next(); message !== undefined; message = this.#stream.next()) {
      this.#take(message);
      if (!this.isOpen) return;
    }
  }

  #take(message: Buffer): void {
    const { name, type } = this.#enquiry;
    const answer = readAnswer(message, { id: this.#id, name, type });
    if (answer !== undefined) return this.#end(answer === 'broken' ? 'failed' : answer);
    this.#strangers += 1;
    if (this.#strangers >= MOST_STRANGERS) this.#end('failed');
  }

  #end(answer: Answer | 'failed'): void {
    this.drop();
    this.#enquiry.answered(answer);
  }
}
