/**
 * What is copied out of a target: whatever bytes lie there, and wherever its memory ends, a value or an error number, the
 * same as a slow second reading finds, and no descriptor is left behind. The target is this process itself.
 */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Errno } from '../../linux/errno.ts';
import { syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { readControl } from './control.ts';
import { readMessage } from './message.ts';
import { readAddress } from './target-socket.ts';
import { arena, readPath, readString } from '../target/target.ts';

const PAGE = 4096;
const SIZE = 2 * PAGE;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MOST_BYTES = 0x7fff_f000n;

/** Two pages, and behind them nothing. */
const base = syscall(X86_64.mmap, 0, SIZE + PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
assert.ok(base > 0);
assert.equal(syscall(X86_64.munmap, base + SIZE, PAGE, 0, 0, 0, 0), 0);

const folder = mkdtempSync(join(tmpdir(), 'secfilter-memory-'));
const file = openSync(join(folder, 'bytes'), 'w+');
after(() => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** Puts bytes at the end of the two pages, and others before them. Returns the address of the first. */
function place(bytes: Uint8Array): number {
  writeSync(file, Buffer.concat([Buffer.alloc(SIZE - bytes.length, 0x78), bytes]), 0, SIZE, 0);
  assert.equal(syscall(X86_64.pread64, file, base, SIZE, 0, 0, 0), SIZE);
  return base + SIZE - bytes.length;
}

/** What lies at an address; undefined where not all of it is there. */
function peek(whole: Uint8Array, at: bigint, length: number): Buffer | undefined {
  const offset = at - BigInt(base + SIZE - whole.length);
  if (length === 0) return Buffer.alloc(0);
  if (offset < 0n || offset + BigInt(length) > BigInt(whole.length)) return undefined;
  return Buffer.from(whole.subarray(Number(offset), Number(offset) + length));
}

const into = arena(2 * PAGE);
const byte = fc.integer({ min: 0, max: 255 });

void test('a string ends at its NUL, at the limit, or where there is no memory', () => {
  const seen = new Map<string, number>();
  const text = fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 300 }),
      fc.nat({ max: 2 * PAGE }),
      fc.boolean(),
    )
    .map(([bytes, more, ends]) =>
      Buffer.concat([
        Buffer.from(bytes),
        Buffer.alloc(Math.min(more, SIZE - 400), 0xff),
        Buffer.from(ends ? [0] : []),
      ]),
    );
  fc.assert(
    fc.property(text, fc.constantFrom(1, 16, 255, 256, PAGE, PAGE + 1), (bytes, limit) => {
      const address = place(bytes);
      const end = bytes.subarray(0, limit).indexOf(0);
      const expected = end >= 0 ? end : bytes.length < limit ? -Errno.EFAULT : -Errno.ENAMETOOLONG;
      const result = readString(process.pid, address, into, limit, Errno.ENAMETOOLONG);
      assert.equal(result, expected);
      if (result >= 0) assert.ok(into.bytes.subarray(0, result + 1).equals(bytes.subarray(0, result + 1)));
      const kind = result >= 0 ? 'string' : String(result);
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }),
    { numRuns: 1000 },
  );
  assert.equal(seen.size, 3);
  for (const count of seen.values()) assert.ok(count > 30);
  for (const address of [0, 1, -1, base + SIZE, 2 ** 47, 2 ** 53])
    assert.equal(readPath(process.pid, address, into), -Errno.EFAULT, String(address));
});

/** 64 bits that may be an address of ours, none, or no address at all. */
const pointer = fc.oneof(
  fc.nat({ max: SIZE }).map((offset) => BigInt(base + offset)),
  fc.constantFrom(0n, 1n, 1n << 47n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n),
  fc.constantFrom(16, 32, 48, 64, 128).map((before) => BigInt(base + SIZE - before)),
);
const size = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    2n,
    3n,
    1024n,
    1025n,
    0x7fff_ffffn,
    0x8000_0000n,
    1n << 32n,
    1n << 63n,
    (1n << 64n) - 1n,
  ),
  fc.nat({ max: 200 }).map(BigInt),
);

function words(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt.asUintN(64, value), 8 * index);
  return bytes;
}

/** Read once more by the fields of struct msghdr and struct iovec; a number is what the kernel would answer. */
function expectedMessage(
  whole: Uint8Array,
  header: Buffer,
): { name: Buffer | undefined; total: bigint } | number {
  const [nameAt = 0n, , vectorAt = 0n, count = 0n, , controlSize = 0n] = Array.from(
    { length: 7 },
    (_, index) => header.readBigUInt64LE(8 * index),
  );
  const nameSize = header.readInt32LE(8);
  let name: Buffer | undefined;
  if (nameAt !== 0n) {
    if (nameSize < 0) return -Errno.EINVAL;
    if (nameSize > 0) {
      name = peek(whole, nameAt, Math.min(nameSize, 128));
      if (name === undefined) return -Errno.EFAULT;
    }
  }
  if (count > 1024n) return -Errno.EMSGSIZE;
  const table = peek(whole, vectorAt, Number(count) * 16);
  if (table === undefined) return -Errno.EFAULT;
  let total = 0n;
  for (let index = 0; index < Number(count); index += 1) {
    const [start, length] = [table.readBigUInt64LE(16 * index), table.readBigInt64LE(16 * index + 8)];
    if (length < 0n) return -Errno.EINVAL;
    const taken = length < MOST_BYTES - total ? length : MOST_BYTES - total;
    if (taken > 0n && start >= 1n << 53n) return -Errno.EFAULT;
    total += taken;
  }
  return controlSize > 0x7fff_ffffn ? -Errno.ENOBUFS : { name, total };
}

void test('a message header of any words is read as the kernel reads it', () => {
  let [read, failed] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pointer, size), { maxLength: 6 }),
      fc.tuple(pointer, size, pointer, size, pointer, size, size),
      fc.boolean(),
      (vectors, fields, fits) => {
        // The table lies behind the header: more often than not the header says so.
        const table = words(...vectors.flat());
        const start = BigInt(base + SIZE - table.length);
        const [name, nameSize, , , control, controlSize, flags] = fields;
        const header = words(
          name,
          nameSize,
          fits ? start : fields[2],
          fits ? BigInt(vectors.length) : fields[3],
          control,
          controlSize,
          flags,
        );
        const address = place(Buffer.concat([header, table]));
        // What lies before both is there too.
        const whole = Buffer.concat([Buffer.alloc(SIZE - header.length - table.length, 0x78), header, table]);
        const expected = expectedMessage(whole, header);
        const message = readMessage(process.pid, address);
        if (typeof message === 'number' || typeof expected === 'number') {
          assert.equal(message, expected);
          failed += 1;
          return;
        }
        read += 1;
        assert.deepEqual({ name: message.name, total: BigInt(message.data.total) }, expected);
        assert.equal(
          message.data.places.reduce((sum, { length }) => sum + length, 0),
          message.data.total,
        );
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(read > 100 && failed > 100, `${read} read, ${failed} failed`);
  for (const length of [-1, 129, 2 ** 31 - 1]) {
    assert.equal(readAddress(process.pid, base, length), -Errno.EINVAL);
    assert.equal(readAddress(process.pid, base + SIZE, Math.max(1, Math.min(length, 128))), -Errno.EFAULT);
  }
});

const message = fc
  .record({
    length: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      fc.constantFrom(0n, 15n, 16n, 17n, 1n << 31n, (1n << 64n) - 1n),
    ),
    kind: fc.constantFrom(
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 2],
      [0, 4],
      [0, 8],
      [41, 50],
      [41, 57],
      [17, 103],
      [132, 1],
      [257, 1],
      [-1, 255],
    ),
    content: fc.oneof(
      fc
        .array(fc.constantFrom(0, 1, 2, file, 4000, -1, -100, 0x7fff_ffff), { maxLength: 4 })
        .map((numbers) => Buffer.from(Int32Array.from(numbers).buffer)),
      fc.array(byte, { maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.constant(Buffer.from(Int32Array.from([process.pid, 0, 0]).buffer)),
    ),
  })
  .map(({ length, kind: [level = 0, type = 0], content }) => {
    const header = words(length ?? BigInt(16 + content.length), 0n);
    header.writeInt32LE(level, 8);
    header.writeInt32LE(type, 12);
    const filling = Buffer.alloc((8 - (content.length % 8)) % 8);
    return Buffer.concat([header, content, filling]);
  });

void test('control messages of any bytes: a destination never hides in them, and no descriptor is left behind', () => {
  const before = readdirSync('/proc/self/fd').length;
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 4 }),
      fc.array(byte, { maxLength: 20 }),
      fc.constantFrom(1, 2, 10),
      fc.boolean(),
      fc.boolean(),
      (messages, rest, domain, restricted, known) => {
        const whole = Buffer.concat([...messages, Buffer.from(rest)]);
        const rules = { domain, restricted, process: () => (known ? process.pid : undefined) };
        const control = readControl(process.pid, place(whole), BigInt(whole.length), rules);
        const kind = typeof control === 'object' ? 'read' : String(control);
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (typeof control === 'number') assert.ok(control < 0 && control > -4096);
        if (typeof control !== 'object') return;
        const sent = control.bytes ?? Buffer.alloc(0);
        assert.equal(sent.length, whole.length);
        // Copies are ours, of the same files, and stand where the target's numbers stood.
        for (const copy of control.descriptors) {
          assert.ok(fstatSync(copy).ino >= 0);
          closeSync(copy);
        }
        for (let at = 0; at + 16 <= sent.length;) {
          const [length, level, type] = [
            sent.readBigUInt64LE(at),
            sent.readInt32LE(at + 8),
            sent.readInt32LE(at + 12),
          ];
          if (restricted && domain !== 1) {
            // IP_OPTIONS and IPV6_RTHDR lead a datagram another way.
            assert.ok(
              [0, 1, 17, 41].includes(level) &&
                !(level === 41 && type === 57) &&
                !(level === 0 && type === 4),
            );
          }
          const own = level === 1 && domain === 1 && (type === 1 || type === 2);
          if (!own)
            assert.ok(sent.subarray(at, at + Number(length)).equals(whole.subarray(at, at + Number(length))));
          if (own && type === 2) assert.equal(sent.readInt32LE(at + 16), process.pid);
          at += Math.ceil(Number(length) / 8) * 8;
        }
      },
    ),
    { numRuns: 2000 },
  );
  for (const kind of ['read', 'rerouting', String(-Errno.EINVAL), String(-Errno.EBADF)])
    assert.ok((seen.get(kind) ?? 0) > 30, `${kind}: ${JSON.stringify([...seen])}`);
  assert.ok(readdirSync('/proc/self/fd').length <= before + 2, 'one pidfd may be kept');
});
