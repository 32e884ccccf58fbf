/** What a summary advises, and what is learned, is understood again, and allows what it was said for: now and the next time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { isPattern, setNamed, unquotePlace } from '../policy/place-text.ts';
import { parseUnixSocket } from '../policy/paths.ts';
import {
  SHARED_MEMORY,
  TEMPORARY,
  type NetworkPolicy,
  type PathBytes,
  type Policy,
  type UnixSocketName,
} from '../policy/policy.ts';
import { parseResolvers } from '../policy/resolvers.ts';
import { isWithin } from '../policy/within.ts';
import { Advisor, type Advice } from '../report/advice.ts';
import { Lessons } from '../report/learn/lessons.ts';
import { Refusals } from '../report/refusals.ts';
import { sensitivity } from '../report/sensitive.ts';
import { renderSummary } from '../report/summary.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { readConfigFiles } from './config-file.ts';
import { learnedConfig } from './learned-config.ts';
import { makePolicy } from './make-policy.ts';
import {
  attempt,
  DIRECTORIES,
  fileCall,
  madeUpIn,
  type ModelledCall,
  networkCall,
  placesOf,
} from './modelled-calls.testing.ts';
import { parseArguments } from './parse-arguments.ts';
import { makeSettings } from './settings.ts';

const root = mkdtempSync(join(tmpdir(), 'advised-'));
after(() => rmSync(root, { recursive: true }));
const HOMES = [Buffer.from('/home/ann')];
const RESOLV_CONF = 'search x 10.1.2.3\n# nameserver 8.8.8.8\nnameserver 9.9.9.9\noptions 192.0.2.1\n';
const resolvConf = join(root, 'resolv.conf');
writeFileSync(resolvConf, RESOLV_CONF);
const RESOLVERS = parseResolvers(RESOLV_CONF);
const LONGEST_PATH = 4095;

/** What the real readers make of words, save that paths need not exist here, and that the resolvers are ours. */
async function policyOf(assignments: readonly Assignment[]): Promise<Policy> {
  const { policy: words } = makeSettings(assignments);
  const writable = words.writable.map(placeOf);
  const own = [
    ...words.own.map(pathOf),
    ...(words.ownTemporary ? ['/tmp', '/var/tmp'].map((path) => Buffer.from(path)) : []),
  ];
  const { network } = await makePolicy({
    ...words,
    readOnly: false,
    writable: [],
    unixSockets: [],
    resolvers: undefined,
  });
  return {
    files: words.readOnly ? { writable, ...(own.length > 0 && { own }) } : undefined,
    network: words.resolvers ? withResolvers(network) : network,
    unixSockets: words.unixSockets.map(socketOf),
  };
}

function withResolvers(network: NetworkPolicy | undefined): NetworkPolicy | undefined {
  return network?.kind === 'listed' ? { ...network, endpoints: RESOLVERS } : network;
}

function pathOf({ text }: Assignment): PathBytes {
  const path = toBytes(text);
  assert.ok(path[0] === 0x2f && path.length <= LONGEST_PATH && !path.includes(0), text);
  return path;
}

function placeOf(given: Assignment): PathBytes {
  assert.ok(!isPattern(given.text) && setNamed(given.text) === undefined);
  return pathOf({ ...given, text: unquotePlace(given.text) });
}

function socketOf(given: Assignment): UnixSocketName {
  return given.text.startsWith('@')
    ? parseUnixSocket(toBytes(given.text))
    : { kind: 'path', path: pathOf(given) };
}

function parse(words: readonly string[]): readonly Assignment[] {
  const parsed = parseArguments([...words, 'command']);
  assert.ok(parsed.kind === 'run');
  return parsed.assignments;
}

interface Advised {
  readonly words: readonly string[];
  readonly calls: readonly ModelledCall[];
  readonly policy: Policy;
  /** As the summary shows them: to be pasted into a shell. */
  readonly options: readonly string[];
  readonly instead: ReadonlySet<string>;
  /** Everything had the room to be shown. */
  readonly isWhole: boolean;
  readonly hasNoAdvice: (call: ModelledCall) => boolean;
}

const MORE_PATTERN = /^ {2}and \d+ more/m;
const ADVICE_PATTERN = /   allow with (.*?)(?: instead of (--\S+))?$/gm;

/** The advice for a run in which these calls were refused, taken from its summary. */
async function advised(words: readonly string[], calls: readonly ModelledCall[]): Promise<Advised> {
  const policy = await policyOf(parse(words));
  const advisor = new Advisor(policy, () => HOMES, resolvConf);
  const refusals = new Refusals();
  const advices = new Map<ModelledCall, Advice>();
  for (const call of calls) {
    const { event } = attempt(call, policy);
    if (event.verdict === 'refused')
      advices.set(
        call,
        refusals.add(event, (unseen) => advisor.advise(unseen)),
      );
  }
  const summary = renderSummary(refusals, HOMES);
  const found = [...summary.matchAll(ADVICE_PATTERN)];
  return {
    words,
    calls,
    policy,
    options: found.map(([, options = '']) => options),
    instead: new Set(found.flatMap(([, , instead]) => instead ?? [])),
    isWhole: !MORE_PATTERN.test(summary),
    hasNoAdvice: (call) => advices.has(call) && advices.get(call)?.kind !== 'options',
  };
}

/** What a shell makes of each of the texts. */
function shellWords(texts: readonly string[]): string[][] {
  const input = texts.map((text) => `printf '%s\\0' ${text}; printf '\\n\\0'`).join('\n');
  const output = execFileSync('bash', ['-s'], {
    input,
    maxBuffer: 2 ** 28,
    env: { HOME: '/home/ann' },
  }).toString('latin1');
  return output
    .split('\0\n\0')
    .slice(0, -1)
    .map((line) => line.split('\0'));
}

const NETWORKS = [
  [],
  ['--no-outbound-network'],
  ['--no-outbound-network', '--allowed-ports=443'],
  ['--no-outbound-network', '--allow-resolv', '--allowed-netmasks=10.0.0.0/8'],
  ['--allowed-netmasks=10.0.0.0/8'],
  ['--allowed-ports=443,80'],
  ['--allowed-netmasks=10.1.2.3', '--allowed-ports=443'],
  ['--allow-resolv'],
  ['--mainstream-network-families'],
  ['--allowed-hosts=10.1.2.3:443,*.example', '--denied-ports=25'],
  ['--allowed-ports=443', '--denied-netmasks=@metadata'],
  ['--allowed-netmasks=10.0.0.0/8', '--allowed-ports=443', '--denied-hosts=10.1.2.3:443'],
  ['--no-outbound-network', '--allowed-netmasks=10.0.0.0/8:443', '--allow-resolv'],
];
const listOf = (option: string): fc.Arbitrary<string[]> =>
  fc
    .subarray(['/srv/p', '/home/ann/w', '/tmp/theirs', '/var/tmp', '/srv/p/notes'], { maxLength: 2 })
    .map((paths) => paths.map((path) => `${option}=${path}`));
const words = fc
  .tuple(
    listOf('--write-allow'),
    listOf('--write-own'),
    fc.constantFrom([], ['--own-tmp'], ['--own-tmp=0']),
    fc.constantFrom(...NETWORKS),
    fc.constantFrom([], ['--allow-unix=@notes', '--allow-unix=/srv/notes']),
  )
  .map(([allow, own, temporary, network, unix]) => [
    '--read-only',
    ...allow,
    ...own,
    ...temporary,
    ...network,
    ...unix,
  ])
  .filter((list) => !list.includes('--own-tmp=0') || !list.includes('--own-tmp'));
const calls = fc.array(fc.oneof({ weight: 3, arbitrary: fileCall }, networkCall), {
  minLength: 1,
  maxLength: 9,
});

void test('the advice of a summary is understood, and with it nothing that it was given for is refused again', async () => {
  const seed = Date.now() % 2 ** 31;
  const runs = fc.sample(fc.tuple(words, calls), { numRuns: 600, seed });
  const all = await Promise.all(runs.map(([given, asked]) => advised(given, asked)));
  const pasted = shellWords(all.map(({ options }) => options.join(' ')));
  let taken = 0;
  for (const [index, run] of all.entries()) {
    const more = (pasted[index] ?? []).filter((word) => word !== '');
    const kept = run.words.filter((word) => !run.instead.has(word));
    const told = `seed ${seed}: ${JSON.stringify(kept)} and ${JSON.stringify(more)}`;
    const policy = await policyOf(parse([...kept, ...more]));
    for (const call of run.calls) {
      const { verdict, event } = attempt(call, policy);
      if (!run.isWhole || run.hasNoAdvice(call) || isNamedTwice(call, run.calls)) continue;
      // Also what had no advice for lack of a refusal is as allowed as it was.
      assert.notEqual(verdict.kind, 'refuse', `${told}: ${JSON.stringify(event)}`);
    }
    taken += more.length;
  }
  assert.ok(taken > 400);
});

void test('S09 advice names no more than directories of what was refused, and nothing sensitive', async () => {
  await fc.assert(
    fc.asyncProperty(words, calls, async (given, asked) => {
      const { options, policy } = await advised(given, asked);
      const [more = []] = shellWords([options.join(' ')]);
      const { files } = await policyOf(
        parse(['--read-only', ...more.filter((word) => /^--(?:write|own)/.test(word))]),
      );
      const places = asked.flatMap(placesOf);
      for (const path of files?.writable ?? []) {
        assert.equal(sensitivity({ kind: 'path', path }, HOMES), undefined, path.toString('latin1'));
        const isAbove = places.filter((place) => isWithin(place, path)).length >= 4;
        assert.ok(isAbove || places.some((place) => place.equals(path)), path.toString('latin1'));
        assert.ok(!policy.files?.writable.some((open) => isWithin(path, open)), 'it was allowed before');
      }
    }),
    { numRuns: 60 },
  );
});

/** A symbolic link at a name that another call wants to be allowed itself: it cannot be both. */
function isNamedTwice(call: ModelledCall, calls: readonly ModelledCall[]): boolean {
  const { object } = attempt(call, OPEN).event;
  const isLink = (object.kind === 'path' || object.kind === 'paths') && object.entry === 'link';
  const others = isLink ? calls.filter((other) => other !== call).flatMap(placesOf) : [];
  return placesOf(call).some(
    (place, index) => index % 2 === 0 && others.some((other) => other.equals(place)),
  );
}

/** Behind each place comes its directory. */
function named(call: ModelledCall): PathBytes[] {
  return placesOf(call).filter((_, index) => index % 2 === 0);
}

/** What an earlier call has made in a shared directory is one's own by then, which the model does not know. */
function isMadeBefore(call: ModelledCall, earlier: readonly ModelledCall[]): boolean {
  const before = earlier.flatMap(named);
  return named(call).some(
    (place) =>
      [...TEMPORARY, SHARED_MEMORY].some((directory) => isWithin(place, directory)) &&
      before.some((other) => isWithin(place, other)),
  );
}

const OPEN: Policy = { files: undefined, network: undefined, unixSockets: [], anyUnixSocket: true };

void test('what was learned is read, and under it the same calls are not refused, whatever names they make up', async () => {
  const file = join(root, 'learned.conf');
  await fc.assert(
    fc.asyncProperty(calls, async (asked) => {
      const lessons = new Lessons(HOMES);
      for (const call of asked) {
        lessons.begin(process.pid);
        lessons.report(attempt(call, OPEN).event);
        lessons.end(process.pid, 'done');
      }
      const bytes = learnedConfig(lessons, {
        command: [],
        homes: HOMES,
        resolvers: RESOLVERS,
        sets: [],
        isDevice: () => false,
        existing: (path) => path,
        isItself: () => true,
      });
      writeFileSync(file, bytes);
      const { assignments } = readConfigFiles(parse([`--config=${file}`]), { HOME: '/home/ann' });
      const policy = await policyOf(assignments);
      const text = readFileSync(file, 'latin1');
      for (const [index, call] of asked.entries()) {
        if (attempt(call, OPEN).verdict.kind === 'refuse' || isForAPerson(call)) continue;
        if (isMadeBefore(call, asked.slice(0, index))) continue;
        const { verdict, event } = attempt(call, policy);
        assert.notEqual(verdict.kind, 'refuse', `${JSON.stringify(event)}\n${text}`);
      }
    }),
    { numRuns: 500 },
  );
});

/** What is commented out: the sensitive, what a line cannot spell, the sockets of others. */
function isForAPerson(call: ModelledCall): boolean {
  if (call.kind === 'unix-path' || call.kind === 'unix-abstract' || call.kind === 'unnamed') return true;
  const { object } = attempt(call, OPEN).event;
  if (object.kind === 'address') {
    const { protocol, port } = object;
    return (
      sensitivity(object, HOMES) !== undefined ||
      protocol === 'icmp' ||
      port === 0 ||
      (protocol === 'udp' && port === 65_535)
    );
  }
  const paths = placesOf(call).filter((_, index) => index % 2 === 0);
  const madeUp = madeUpIn(call);
  const isOdd = (object.kind === 'path' || object.kind === 'paths') && object.entry !== undefined;
  const directories = madeUp === undefined && !isOdd ? [] : placesOf(call).slice(-1);
  return [...paths, ...directories].some(
    (path) =>
      sensitivity({ kind: 'path', path }, HOMES) !== undefined ||
      path.includes(0x0a) ||
      path.toString('latin1').endsWith(' (deleted)'),
  );
}

void test('the places of the model are such as decide', () => {
  const reasons = DIRECTORIES.map((path) => sensitivity({ kind: 'path', path: Buffer.from(path) }, HOMES));
  assert.ok(
    reasons.includes(undefined) &&
      reasons.includes('a home directory') &&
      reasons.includes('system settings'),
  );
});
