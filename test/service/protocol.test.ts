/**
 * A client that is malformed, huge, slow, silent or gone harms nobody: not the service, nor other clients. Only clients are served
 * at all, so the hostile ones are made as clients are, of other rows.
 */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { buildImage, type Blob, type Row } from '../../src/launch/image.ts';
import { Kind } from '../../src/launch/protocol.ts';
import { Region } from '../../src/launch/region.ts';
import { X86_64 } from '../../src/linux/syscalls.ts';
import { encodeRequest } from '../../src/service/request.ts';
import { isRoot, who } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { startService, until, type TestService } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const SOCKET = 3;
const REQUEST = encodeRequest({ wanted: { kind: 'policy', options: undefined }, words: [] });
/** Rows of a hostile client, done whatever comes of them. */
type Steps = readonly Row[];

function row(name: keyof typeof X86_64, ...args: Row['arguments']): Row {
  return { name, number: X86_64[name], arguments: args, tolerate: 'all' };
}

function bytes(text: string | Buffer): { readonly blob: Blob } {
  return { blob: { bytes: Buffer.from(text) } };
}

function send(message: Buffer): Row {
  return row('sendto', SOCKET, bytes(message), message.length, 0x4000);
}

/** Sends a record with so many copies of standard input. */
function sendDescriptors(message: Buffer, count: number): Row {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(BigInt(message.length), 8);
  const control = Buffer.alloc(16 + 4 * count + 4);
  control.writeBigUInt64LE(BigInt(16 + 4 * count), 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(16 + 4 * count), 40);
  const pointers = [
    { at: 16, to: { blob: { bytes: vector, pointers: [{ at: 0, to: bytes(message) }] } } },
    { at: 32, to: { blob: { bytes: control } } },
  ];
  return row('sendmsg', SOCKET, { blob: { bytes: header, pointers } }, 0x4000);
}

/** Receives a record, with descriptors, and prints it. */
function receive(): Row[] {
  const print = row('write', 1, Region.table, 0);
  return [
    { ...row('read', SOCKET, Region.table, Region.tableSize), result: { row: print, argument: 2 } },
    print,
  ];
}

const FOREVER = row('pause');

class Hostile {
  readonly #folder: string;
  readonly #service: TestService;
  #count = 0;

  constructor(t: TestContext, service: TestService) {
    this.#folder = temporaryDirectory(t);
    this.#service = service;
  }

  /** The path of an executable that connects and does these steps. */
  client(steps: Steps): string {
    const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(this.#service.socket), Buffer.alloc(1)]);
    this.#count += 1;
    const file = join(this.#folder, `${this.#count}`);
    const rows = [
      row('close_range', SOCKET, 0xffff_ffff, 0),
      row('socket', 1, 5, 0),
      row('connect', SOCKET, bytes(address), address.length),
      ...steps,
      row('exit_group', 0),
    ];
    writeFileSync(file, buildImage(rows, Region));
    chmodSync(file, 0o755);
    return file;
  }
}

/** Only root may look into what is not dumpable (proc(5)). */
function descriptors({ child }: TestService): number {
  return isRoot ? readdirSync(`/proc/${child.pid}/fd`).length : 0;
}

/** The service works, and holds nothing any more. */
async function isWell(service: TestService, before: number): Promise<void> {
  assert.equal((await run([service.client(), 'sh', '-c', 'exit 3'])).code, 3);
  await until(`descriptors as before (${before})`, () => descriptors(service) <= before, 30_000);
  assert.equal(service.child.exitCode, null, service.said());
}

async function startWell(
  t: TestContext,
): Promise<{ service: TestService; before: number; hostile: Hostile }> {
  const service = await startService(t, ['--read-only']);
  // What it opens once, such as files of /proc, is open by then.
  for (let turn = 0; turn < 3; turn += 1) await run([service.client(), 'true']);
  return { service, before: descriptors(service), hostile: new Hostile(t, service) };
}

const MALFORMED: readonly (string | Buffer)[] = [
  '\0',
  'x'.repeat(70_000),
  '{',
  '[]',
  'null',
  '1',
  '{}',
  '{"version":2,"words":[]}',
  '{"version":1}',
  '{"version":1,"words":[1]}',
  '{"version":1,"words":["a\\u0000"]}',
  '{"version":1,"words":[],"options":"x"}',
  '{"version":1,"words":["true"],"options":["--nonsense"]}',
  '{"version":1,"words":["true"],"options":["true"]}',
  '{"version":1,"words":["true"],"sandbox":"0"}',
  '{"version":1,"words":["true"],"options":["--config=/nonexistent"]}',
  '{"version":1,"words":["true"],"options":["--serve"]}',
  '['.repeat(60_000),
  Buffer.from('\xff\xfe', 'latin1'),
  '{"__proto__":{"version":1},"words":[]}',
];

void test(`malformed requests are answered with a line (${who})`, async (t) => {
  const { service, before, hostile } = await startWell(t);
  for (const text of MALFORMED) {
    const { stdout } = await run([hostile.client([send(Buffer.from(text)), ...receive()])]);
    assert.match(stdout, /secfilt: [^\n]+\n/, text.toString().slice(0, 100));
  }
  const empty = await run([hostile.client([row('sendto', SOCKET, 0, 0, 0), ...receive()])]);
  assert.equal(empty.stdout, '');
  await isWell(service, before);
});

/** A generator of numbers below a bound, the same ones each time (Park and Miller). */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => (state = (state * 48_271) % 0x7fff_ffff) % bound;
}

void test(`who goes away at any moment, or sends what is not asked for, leaves nothing behind (${who})`, async (t) => {
  const { service, before, hostile } = await startWell(t);
  const next = numbers(7);
  const record = (): Buffer => {
    const kinds = [0, 1, 5, Kind.watchdog, Kind.listener, Kind.reach, 0xffff_ffff];
    const values = [0, -1, 1, 3, 4, 5, process.pid, 1 << 30];
    const message = Buffer.alloc([8, 8, 8, 4, 3000][next(5)] ?? 8);
    message.writeUInt32LE(kinds[next(kinds.length)] ?? 0);
    if (message.length >= 8) message.writeInt32LE(values[next(values.length)] ?? 0, 4);
    return next(10) === 0 ? REQUEST : message;
  };
  for (let turn = 0; turn < 60; turn += 1) {
    const steps: Row[] = turn % 5 === 0 ? [] : [send(REQUEST)];
    // Who has said nothing is told nothing until its time is up.
    if (turn % 3 > 0 && turn % 5 > 0) steps.push(...receive());
    for (let count = next(5); count > 0; count -= 1)
      steps.push(next(2) === 0 ? send(record()) : sendDescriptors(record(), 1 + next(3)));
    const child = start([hostile.client([...steps, ...(turn % 4 === 0 ? [FOREVER] : [])])], {
      stdio: 'ignore',
    });
    if (turn % 4 === 0) setTimeout(() => child.kill('SIGKILL'), next(30));
    await new Promise((resolve) => child.on('exit', resolve));
  }
  await isWell(service, before);
});

void test(`silent clients keep nobody waiting, and are let go of in time (${who})`, async (t) => {
  const { service, before, hostile } = await startWell(t);
  const silent = hostile.client([row('write', 1, bytes('c'), 1), FOREVER]);
  const children = Array.from({ length: 50 }, () => start([silent], { stdio: ['ignore', 'pipe', 'ignore'] }));
  let connected = 0;
  for (const child of children) {
    t.after(() => child.kill('SIGKILL'));
    child.stdout?.on('data', () => (connected += 1));
  }
  await until('their connections', () => connected === 50);
  assert.equal((await run([service.client(), 'true'])).code, 0);
  // They still run: what ends is the service's patience.
  await isWell(service, before);
  assert.ok(children.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null));
});

void test(`commands that hammer do not keep another one from being answered (${who})`, async (t) => {
  const { service } = await startWell(t);
  const script = 'while true; do true >/x; done 2>/dev/null';
  const hammering = Array.from({ length: 3 }, () =>
    start([service.client(), 'sh', '-c', script], { stdio: 'ignore' }),
  );
  for (const child of hammering) t.after(() => child.kill('SIGKILL'));
  const few = 'for n in 1 2 3 4 5 6 7 8 9; do true >/x; done 2>/dev/null; exit 4';
  assert.equal((await run([service.client(), 'sh', '-c', few])).code, 4);
});
