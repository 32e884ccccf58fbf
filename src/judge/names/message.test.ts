import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAnswer, readQuestion, writeAnswer, writeQuestion, type Question } from './message.ts';
import type { AskedType, DnsRecord } from './record.ts';

const HEADER = 12;

function labels(name: string): Buffer {
  const parts = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16BE(value, 2 * index));
  return bytes;
}

/** @param counts of questions, answers, authorities, additional records */
function message(flags: number, counts: readonly number[], ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([words(0x1234, flags, ...counts), ...parts]);
}

function question(name: string, type: AskedType = 'A'): Question {
  const read = readQuestion(writeQuestion(7, name, type, false));
  assert.ok(read !== undefined && !Buffer.isBuffer(read));
  return read;
}

const a = (owner: string, text: string): DnsRecord => ({
  owner,
  timeToLive: 60,
  data: { type: 'A', address: Uint8Array.from(text.split('.').map(Number)), text },
});

void test('a question is read as it is written, in whatever case', () => {
  const bytes = message(0x0100, [1, 0, 0, 0], labels('wWw.ExAmple.ORG'), words(28, 1));
  const read = readQuestion(bytes);
  assert.ok(read !== undefined && !Buffer.isBuffer(read));
  assert.equal(read.name, 'wWw.ExAmple.ORG');
  assert.equal(read.type, 'AAAA');
  assert.deepEqual(
    [read.id, read.recursionDesired, read.isInternet, read.extended, read.size],
    [0x1234, true, true, false, 512],
  );
  assert.ok(read.section.equals(bytes.subarray(HEADER)));
});

void test('an option says how long an answer may be', () => {
  for (const [said, size] of [
    [1232, 1232],
    [65535, 4096],
    [100, 512],
  ] as const) {
    const option = Buffer.concat([Buffer.from([0]), words(41, said, 0, 0x8000, 0)]);
    const read = readQuestion(message(0x0100, [1, 0, 0, 1], labels('a.example'), words(1, 1), option));
    assert.ok(read !== undefined && !Buffer.isBuffer(read));
    assert.deepEqual([read.extended, read.size], [true, size]);
  }
});

void test('what is no question by its own bytes has no name', () => {
  const names = ['a b', 'a.b\0c', 'é', '*', "'", 'x'.repeat(64)];
  for (const name of names) {
    const read = readQuestion(message(0x0100, [1, 0, 0, 0], labels(name), words(1, 1)));
    assert.ok(Buffer.isBuffer(read) || read?.name === undefined, name);
  }
  // One label that holds a dot is not two.
  const dotted = Buffer.concat([Buffer.from([11]), Buffer.from('www.example'), Buffer.from([0])]);
  const read = readQuestion(message(0x0100, [1, 0, 0, 0], dotted, words(1, 1)));
  assert.ok(read !== undefined && !Buffer.isBuffer(read));
  assert.equal(read.name, undefined);
});

/** Of an error that is answered at once. */
function code(bytes: Buffer): number | undefined {
  const read = readQuestion(bytes);
  return Buffer.isBuffer(read) ? read.readUInt16BE(2) & 15 : undefined;
}

void test('what cannot be read is answered with its kind of error, or with nothing', () => {
  const good = [labels('a.example'), words(1, 1)];
  assert.equal(readQuestion(Buffer.alloc(0)), undefined);
  assert.equal(readQuestion(Buffer.alloc(11)), undefined);
  assert.equal(readQuestion(message(0x8000, [1, 0, 0, 0], ...good)), undefined, 'an answer');
  assert.equal(code(message(0x2800, [1, 0, 0, 0], ...good)), 4, 'an update');
  assert.equal(code(message(0x0100, [0, 0, 0, 0])), 1);
  assert.equal(code(message(0x0100, [2, 0, 0, 0], ...good, ...good)), 1);
  assert.equal(code(message(0x0100, [1, 65535, 65535, 65535], ...good)), 1, 'counts that lie');
  assert.equal(code(message(0x0100, [1, 0, 0, 2], ...good)), 1);
  assert.equal(code(message(0x0100, [1, 0, 0, 0], labels('a.example'))), 1, 'cut');
  assert.equal(code(message(0x0100, [1, 0, 0, 0], words(0xc00c), words(1, 1))), 1, 'a pointer to itself');
  assert.equal(code(message(0x0100, [1, 0, 0, 0], Buffer.from([1, 97, 0xc0, 2]), words(1, 1))), 1);
  assert.equal(code(message(0x0100, [1, 0, 0, 0], Buffer.from([0x40, 0]), words(1, 1))), 1);
  assert.equal(code(message(0x0100, [1, 0, 0, 0], ...good, Buffer.alloc(70_000))), 1);
});

void test('our own question holds nothing of the one that is asked for but name and type', () => {
  const bytes = writeQuestion(0xabcd, 'a.example', 'HTTPS', true);
  const option = Buffer.concat([Buffer.from([0]), words(41, 4096, 0, 0, 0)]);
  const wanted = Buffer.concat([
    words(0xabcd, 0x0100, 1, 0, 0, 1),
    labels('a.example'),
    words(65, 1),
    option,
  ]);
  assert.ok(bytes.equals(wanted), bytes.toString('hex'));
});

void test('an answer goes there and back, names of the chain written once', () => {
  const asked = question('www.example.org');
  const records: DnsRecord[] = [
    { owner: 'www.example.org', timeToLive: 5, data: { type: 'CNAME', target: 'cdn.example.net' } },
    { owner: 'cdn.example.net', timeToLive: 5, data: { type: 'CNAME', target: 'edge.example.com' } },
    a('edge.example.com', '192.0.2.1'),
    a('edge.example.com', '192.0.2.2'),
  ];
  const bytes = writeAnswer(asked, 0, records, 512);
  const back = readAnswer(bytes, { id: 7, name: 'www.example.org', type: 'A' });
  assert.ok(back !== undefined && back !== 'broken');
  assert.deepEqual({ ...back, records: back.records.length }, { code: 0, truncated: false, records: 4 });
  assert.deepEqual(
    back.records.map(({ owner }) => owner),
    records.map(({ owner }) => owner),
  );
  // Two bytes for each owner.
  assert.equal(bytes.length, HEADER + 21 + 2 * 12 + 17 + 18 + 2 * 16);
});

void test('what does not fit is left out whole, and that is said', () => {
  const records = Array.from({ length: 50 }, (_, index) => a('a.example', `192.0.2.${index}`));
  const bytes = writeAnswer(question('a.example'), 0, records, 512);
  assert.ok(bytes.length <= 512);
  const back = readAnswer(bytes, { id: 7, name: 'a.example', type: 'A' });
  assert.ok(back !== undefined && back !== 'broken' && back.truncated);
  assert.equal(back.records.length, bytes.readUInt16BE(6));
});

void test('an answer to another question is none', () => {
  const bytes = writeAnswer(question('a.example'), 0, [a('a.example', '192.0.2.1')], 512);
  const asked = { id: 7, name: 'a.example', type: 'A' } as const;
  assert.equal(readAnswer(bytes, { ...asked, id: 8 }), undefined);
  assert.equal(readAnswer(bytes, { ...asked, name: 'b.example' }), undefined);
  assert.equal(readAnswer(bytes, { ...asked, type: 'AAAA' }), undefined);
  assert.equal(readAnswer(writeQuestion(7, 'a.example', 'A', false), asked), undefined);
});

void test('hints of addresses are taken out of HTTPS records', () => {
  const head = Buffer.concat([words(1), Buffer.from([0])]);
  const alpn = Buffer.concat([words(1, 3), Buffer.from([2, 0x68, 0x32])]);
  const hints = Buffer.concat([words(4, 4), Buffer.from([10, 0, 0, 1]), words(6, 16), Buffer.alloc(16, 1)]);
  const answer = (data: Buffer): Buffer =>
    message(
      0x8180,
      [1, 1, 0, 0],
      labels('a.example'),
      words(65, 1),
      words(0xc00c, 65, 1, 0, 60, data.length),
      data,
    );
  const asked = { id: 0x1234, name: 'a.example', type: 'HTTPS' } as const;
  const read = readAnswer(answer(Buffer.concat([head, alpn, hints])), asked);
  assert.ok(read !== undefined && read !== 'broken');
  assert.deepEqual(read.records[0]?.data, { type: 'HTTPS', bytes: Buffer.concat([head, alpn]) });
  for (const broken of [
    words(1),
    Buffer.concat([head, words(1, 9)]),
    Buffer.concat([head, Buffer.from([0])]),
  ]) {
    const other = readAnswer(answer(broken), asked);
    assert.ok(other !== undefined && other !== 'broken');
    assert.deepEqual(other.records, []);
  }
});

/** Bytes that are like messages, and are none. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(
      fc.uint8Array({ minLength: HEADER, maxLength: HEADER }),
      fc.array(
        fc.oneof(
          fc.constant([0xc0, 12]),
          fc.tuple(fc.integer({ min: 0xc0, max: 0xff }), fc.nat(255)),
          fc.array(fc.nat(255), { maxLength: 12 }),
          fc.constant([0]),
          fc.constant([0, 41, 255, 255, 0, 0, 0, 0, 255, 255]),
        ),
      ),
    )
    .map(([head, parts]) => Uint8Array.from([...head, ...parts.flat()])),
);

void test('no bytes make the readers throw, or say what is not there', () => {
  const asked = { id: 0x1234, name: 'a.example', type: 'A' } as const;
  const start = message(0x8180, [1, 9, 9, 9], labels('a.example'), words(1, 1));
  const sound = writeAnswer(question('a.example'), 0, [a('a.example', '192.0.2.1')], 512);
  const check = (bytes: Buffer): void => {
    const read = readQuestion(bytes);
    if (read !== undefined && !Buffer.isBuffer(read) && read.name !== undefined) {
      assert.match(read.name, /^[\w.-]{1,253}$/);
      assert.ok(bytes.includes(labels(read.name)));
    }
    const answer = readAnswer(bytes, asked);
    if (answer === undefined || answer === 'broken') return;
    for (const { data } of answer.records)
      if (data.type === 'A' || data.type === 'AAAA') assert.ok([4, 16].includes(data.address.length));
    assert.ok(writeAnswer(question('a.example'), 0, answer.records, 512).length <= 512);
  };
  fc.assert(
    fc.property(hostile, fc.nat(40), fc.nat(255), (bytes, at, byte) => {
      check(Buffer.from(bytes));
      check(Buffer.concat([start, bytes]));
      const changed = Buffer.concat([sound, bytes.subarray(0, 8)]);
      changed[at % changed.length] = byte;
      changed.writeUInt16BE(7, 0);
      check(changed);
    }),
    { numRuns: 2000 },
  );
});

void test('what was made to take long is not read', () => {
  const asked = { id: 0x1234, name: 'a.example', type: 'A' } as const;
  const answer = (count: number, ...parts: readonly Buffer[]): Buffer =>
    message(0x8180, [1, count, 0, 0], labels('a.example'), words(1, 1), ...parts);
  assert.equal(readAnswer(answer(513), asked), 'broken');
  assert.equal(readAnswer(answer(1, Buffer.alloc(17_000)), asked), 'broken');
  // Within these bounds: many names, each of which leads from one pointer to the next.
  const first = HEADER + 15 + 12;
  const chain = Array.from(
    { length: 6000 },
    (_, index) => 0xc000 | (index === 0 ? HEADER : first + 2 * index - 2),
  );
  const last = words(0xc000 | (first + 2 * 5999), 1, 1, 0, 60, 4, 0xc000, 0x0201);
  const held = [words(0xc00c, 10, 1, 0, 60, 12_000), words(...chain)];
  const read = readAnswer(answer(101, ...held, ...Array.from({ length: 100 }, () => last)), asked);
  assert.ok(read !== undefined && read !== 'broken');
  assert.equal(read.records.filter(({ owner }) => owner === 'a.example').length, 100);
});
