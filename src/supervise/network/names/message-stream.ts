/** DNS messages on a connection: two bytes with the length before each (RFC 1035, section 4.2.2). */

export class MessageStream {
  #bytes: Buffer = Buffer.alloc(0);

  /** How much has come of messages that are not whole yet. */
  get waiting(): number {
    return this.#bytes.length;
  }

  add(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** The next that is whole. */
  next(): Buffer | undefined {
    if (this.#bytes.length < 2) return undefined;
    const end = 2 + this.#bytes.readUInt16BE(0);
    if (this.#bytes.length < end) return undefined;
    const message = this.#bytes.subarray(2, end);
    this.#bytes = this.#bytes.subarray(end);
    return message;
  }
}

export function framed(message: Buffer): Buffer {
  const bytes = Buffer.alloc(2 + message.length);
  bytes.writeUInt16BE(message.length, 0);
  message.copy(bytes, 2);
  return bytes;
}
