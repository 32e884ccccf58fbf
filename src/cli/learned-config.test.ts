import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { isPattern, setNamed, unquotePlace } from '../policy/place-text.ts';
import { parseUnixSocket, splitPath } from '../policy/paths.ts';
import { isInNetwork, isWithin } from '../policy/within.ts';
import type { ReportedObject } from '../report/event.ts';
import { Lessons } from '../report/learn/lessons.ts';
import { isMadeUp } from '../report/made-up-names.ts';
import { refusal } from '../report/sample-events.ts';
import { sensitivity } from '../report/sensitive.ts';
import { MAX_BYTES, readConfigFiles } from './config-file.ts';
import { toBytes } from './byte-string.ts';
import { expandPlace } from './expand-path.ts';
import { learnedConfig } from './learned-config.ts';
import { makePolicy } from './make-policy.ts';
import { parseArguments } from './parse-arguments.ts';
import { makeSettings } from './settings.ts';
import type { Policy } from '../policy/policy.ts';
import { ConfigText } from './config-text.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'learned-')));
after(() => rmSync(root, { recursive: true }));
const file = join(root, 'c.conf');
const HOMES = [Buffer.from('/home/ann'), Buffer.from('/var/lib/jenkins')];

interface Seen {
  readonly command: readonly Buffer[];
  readonly objects: readonly ReportedObject[];
}

function learn({ command, objects }: Seen): Buffer {
  const lessons = new Lessons(HOMES);
  for (const object of objects) {
    lessons.begin(1);
    const operation = object.kind === 'path' ? 'create' : object.kind === 'paths' ? 'rename' : 'connect';
    lessons.report({ ...refusal(operation, object), verdict: 'allowed', errno: 0, tid: 1 });
    lessons.end(1, 'done');
  }
  return learnedConfig(lessons, {
    command,
    homes: HOMES,
    sets: [],
    resolvers: [{ address: Uint8Array.of(9, 9, 9, 9), port: 53 }],
    isDevice: () => false,
    existing: (path) => path,
    isItself: () => true,
  });
}

/** What the real reader makes of it: the words, and the policy without its paths, which need not exist. */
async function read(bytes: Buffer): Promise<{ writable: Buffer[]; options: string[]; policy: Policy }> {
  writeFileSync(file, bytes);
  const parsed = parseArguments([`--config=${file}`, 'command']);
  assert.ok(parsed.kind === 'run');
  const { assignments } = readConfigFiles(parsed.assignments, { HOME: '/other' });
  const isPath = ({ option: { name } }: (typeof assignments)[number]): boolean => name === 'write-allow';
  return {
    writable: assignments.filter(isPath).map(({ text }) => {
      assert.ok(!isPattern(text) && setNamed(text) === undefined);
      return toBytes(unquotePlace(expandPlace(text, {})));
    }),
    options: [...new Set(assignments.map(({ option }) => option.name))],
    policy: await makePolicy(makeSettings(assignments.filter((one) => !isPath(one))).policy),
  };
}

const POOL = [
  'a',
  'b',
  '\n',
  '\r',
  '\t',
  ' ',
  '#',
  '$',
  '~',
  '*',
  '[a',
  '@',
  ',',
  '\\',
  '=',
  '{HOME}',
  'write-allow=/etc',
  '.git',
  'hooks',
  'include=x',
];
/** U+010A and its like, whose low byte is a line break, a carriage return or a sign; and bytes that are no UTF-8. */
const ODD = ['Ċ', 'č', '‐\u{a0a}', '\u{1f60a}', '\u0085', '\u2028', '\u202e'];
const piece = fc.oneof(
  fc.constantFrom(...POOL).map((text) => Buffer.from(text)),
  fc.constantFrom(...ODD).map((text) => Buffer.from(text)),
  fc
    .integer({ min: 1, max: 255 })
    .filter((byte) => byte !== 0x2f)
    .map((byte) => Buffer.of(byte)),
);
const bytes = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => Buffer.concat(pieces));
const component = bytes.map((one) => Buffer.from(one.toString('latin1').replaceAll('/', '_'), 'latin1'));
const path = fc
  .tuple(
    fc.constantFrom('/srv', '/home/ann', '/etc', '/var/lib', '/tmp', '/srv/p', '/home/ann/.ssh'),
    fc.array(component, { minLength: 1, maxLength: 3 }),
  )
  .map(([start, names]) =>
    Buffer.concat([Buffer.from(start), ...names.flatMap((name) => [Buffer.from('/'), name])]),
  );
const object: fc.Arbitrary<ReportedObject> = fc.oneof(
  path.map((one) => ({ kind: 'path', path: one }) as const),
  fc.tuple(path, path).map(([from, to]) => ({ kind: 'paths', from, to }) as const),
  path.map((one) => ({ kind: 'unix-path', path: one }) as const),
  bytes.map(
    (name) =>
      ({ kind: 'unix-abstract', name: Buffer.concat([name, Buffer.from('\nwrite-allow=/etc')]) }) as const,
  ),
  bytes.map((name) => ({ kind: 'unix-abstract', name }) as const),
  fc
    .tuple(
      fc.oneof(
        fc
          .tuple(fc.constantFrom(10, 169), fc.constantFrom(254, 0), fc.constantFrom(169, 0), fc.nat(255))
          .map((four) => Uint8Array.from(four)),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
      fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(0, 65_535)),
      fc.constantFrom('tcp', 'udp', 'icmp', 'other' as const),
    )
    .map(([address, port, protocol]) => ({ kind: 'address', address, port, protocol }) as const),
);
const seen = fc.record({
  command: fc.array(bytes, { minLength: 1, maxLength: 3 }),
  objects: fc.array(object, { maxLength: 12 }),
});

const OPTIONS = new Set([
  'read-only',
  'write-allow',
  'own-tmp',
  'allowed-netmasks',
  'allowed-ports',
  'allow-resolv',
  'no-outbound-network',
]);

/** A name that is another one the next time, or below one: in a home a person has to decide about it. */
function isMadeUpThere(path: Buffer): boolean {
  if (path.length <= 1) return false;
  return isMadeUp(path, 1) || isMadeUpThere(splitPath(path).parent);
}

void test('S09 whatever was seen, the file is read again as what was seen and no more', async () => {
  await fc.assert(
    fc.asyncProperty(seen, async (run) => {
      const { writable, options, policy } = await read(learn(run));
      assert.ok(
        options.every((name) => OPTIONS.has(name)),
        options.join(),
      );
      const paths = run.objects.flatMap((one) =>
        one.kind === 'path' ? [one.path] : one.kind === 'paths' ? [one.from, one.to] : [],
      );
      for (const place of writable) {
        assert.equal(sensitivity({ kind: 'path', path: place }, HOMES), undefined, place.toString('latin1'));
        // A place is a path that was seen, its directory, or one that holds four of them and nothing sensitive.
        const inside = paths.filter((one) => isWithin(one, place));
        const isDirect = inside.some((one) => one.equals(place) || splitPath(one).parent.equals(place));
        const sensitive = inside.filter(
          (one) => sensitivity({ kind: 'path', path: one }, HOMES) !== undefined,
        );
        assert.ok(isDirect || (inside.length >= 4 && sensitive.length === 0), place.toString('latin1'));
      }
      for (const one of paths) {
        const isSensitive = sensitivity({ kind: 'path', path: one }, HOMES) !== undefined;
        const isOwn = options.includes('own-tmp') && isWithin(one, Buffer.from('/tmp'));
        const isOpen = isOwn || writable.some((place) => isWithin(one, place));
        assert.ok(isSensitive || isOpen || isMadeUpThere(one) || one.includes(0x0a), one.toString('latin1'));
      }
      assertNetwork(policy, run);
    }),
    { numRuns: 1500 },
  );
});

function assertNetwork({ network, unixSockets }: Policy, { objects }: Seen): void {
  assert.deepEqual(unixSockets, []);
  assert.ok(network !== undefined && network.kind !== 'families');
  const endpoints = objects.filter((one) => one.kind === 'address');
  const ordinary = endpoints.filter((one) => sensitivity(one, HOMES) === undefined);
  if (network.kind === 'none') {
    assert.equal(ordinary.length, 0);
    return;
  }
  for (const one of network.networks ?? []) {
    assert.ok(ordinary.some(({ address }) => isInNetwork(address, one)));
    assert.ok(!isInNetwork(Uint8Array.of(169, 254, 169, 254), one));
  }
  const withPort = ordinary.filter(
    ({ protocol, port }) => port !== 0 && (protocol === 'tcp' || (protocol === 'udp' && port !== 65_535)),
  );
  const ports = new Set(withPort.map(({ port }) => port));
  assert.deepEqual(new Set(network.ports), ports);
}

void test('S09 what is about single processes is counted, and named by no number', async () => {
  const objects = ['/proc/77/comm', '/proc/77/task/78/comm', '/proc/79/oom_score_adj'].map(
    (one) => ({ kind: 'path', path: Buffer.from(one) }) as const,
  );
  const bytes = learn({ command: [Buffer.from('x')], objects });
  assert.doesNotMatch(bytes.toString(), /write-allow|77|79/);
  assert.match(bytes.toString(), /^# Processes were set up by \/proc, where each has another number: \d$/m);
});

void test('S09 lines that are commented out can be taken as they are', async () => {
  const name = fc.oneof(bytes.filter((one) => !one.includes(0x0a) && !one.includes(0x2f)));
  await fc.assert(
    fc.asyncProperty(name, async (one) => {
      const object: ReportedObject = { kind: 'unix-abstract', name: one };
      const text = learn({ command: [Buffer.from('x')], objects: [object] }).toString('latin1');
      const { policy } = await read(Buffer.from(text.replaceAll(/^#(?=allow-unix=)/gm, ''), 'latin1'));
      assert.deepEqual(policy.unixSockets, [parseUnixSocket(Buffer.concat([Buffer.from('@'), one]))]);
    }),
    { numRuns: 300 },
  );
});

void test('S09 a file is never longer than what is read again, and says what it lacks', async () => {
  const text = new ConfigText();
  const long = Buffer.alloc(4000, 'a');
  for (let i = 0; i < 5000; i += 1)
    text.setting('write-allow', Buffer.concat([Buffer.from('/'), long]), 'changed');
  const result = text.toBytes();
  assert.ok(result.length <= MAX_BYTES && result.length > MAX_BYTES - 5000);
  assert.match(result.subarray(-200).toString(), /\n# Incomplete: \d+ entries are too many for a file\.\n$/);
  assert.equal((await read(result)).options.join(), 'write-allow');
});

void test('S09 neither a comment nor a value can begin a line of its own', () => {
  const text = new ConfigText().comment('a\nwrite-allow=/etc\r\u2028b Ċ').toBytes().toString();
  assert.equal(text, '# a\\u{a}write-allow=/etc\\u{d}\\u{2028}b Ċ\n');
  assert.throws(() => new ConfigText().setting('write-allow', Buffer.from('/a\n/b')));
});

void test('S09 names that answers are for write no lines of their own: what no option can name is learned by its address', () => {
  const lessons = new Lessons(HOMES);
  const address = Uint8Array.of(203, 0, 113, 5);
  const names = [
    'good.example',
    'bad.example\nwrite-allow=/',
    '*.example',
    'a,b.example',
    'x.example:1@private',
    '127.1',
  ];
  names.forEach((name, index) => {
    const own = Uint8Array.of(203, 0, 113, 5 + index);
    const found = { ...refusal('look-up', { kind: 'host', name, addresses: [own] }), errno: 0 };
    lessons.report({ ...found, verdict: 'allowed' });
    lessons.begin(1);
    const object = { kind: 'address', address: own, port: 443, protocol: 'tcp', names: [name] } as const;
    lessons.report({ ...refusal('connect', object), verdict: 'allowed', errno: 0, tid: 1 });
    lessons.end(1, 'done');
  });
  const options = { command: [], homes: HOMES, sets: [], resolvers: [], isDevice: () => false };
  const text = learnedConfig(lessons, {
    ...options,
    existing: (path) => path,
    isItself: () => true,
  }).toString('latin1');
  const rules = text.split('\n').filter((line) => /^[a-z]/.test(line));
  assert.deepEqual(rules.slice(0, 2), ['read-only=1', 'allowed-hosts=good.example:443'], text);
  assert.match(rules[2] ?? '', /^allowed-netmasks=203\.0\.113\./);
  assert.deepEqual(rules.slice(3), ['allowed-ports=443'], text);
  assert.ok(!text.includes(`allowed-netmasks=${address.join('.')},`), 'the good one has its name');
});
