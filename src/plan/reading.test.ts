import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilePolicy, Policy } from '../policy/policy.ts';
import type { Rule } from '../rules/rule.ts';
import { notify } from '../seccomp/expression.ts';
import { AccessFs } from '../linux/landlock.ts';
import { makePlan } from './plan.ts';
import { planReading, readingPlaces, readingRules, readingWays, type ReadingFacts } from './reading.ts';

const bytes = (...paths: string[]): Buffer[] => paths.map((path) => Buffer.from(path));
const rule = (effect: Rule['effect'], path: string): Rule => ({
  effect,
  place: { kind: 'path', path: Buffer.from(path) },
  said: `${effect} ${path}`,
});
const pattern = (effect: Rule['effect'], base: string): Rule => ({
  effect,
  place: { kind: 'pattern', pattern: { base: Buffer.from(base), components: [{ kind: 'any' }], text: '' } },
  said: `${effect} ${base}/**`,
});
const FACTS: ReadingFacts = { closed: [], devices: [], changeable: [], unlistable: [], directories: [] };
const NOTHING: FilePolicy = { writable: [] };
const SECRET = rule('deny', '/home/u/.ssh');

interface Case {
  readonly about: string;
  readonly read?: readonly Rule[];
  readonly files?: FilePolicy;
  readonly facts?: Partial<ReadingFacts> | 'nobody has looked';
  readonly landlock?: false;
  readonly reports?: true;
  /** What the reason says, where the supervisor holds it. */
  readonly supervisor?: RegExp;
}

const CASES: Case[] = [
  { about: 'nothing is changed', files: NOTHING },
  {
    about: 'a project beside the secret is changed',
    files: { writable: bytes('/home/u/p') },
    facts: { directories: bytes('/home/u/p') },
  },
  { about: 'files are not restricted, but by their owner', facts: {} },
  {
    about: "the way is the user's own",
    facts: { changeable: bytes('/home/u') },
    supervisor: /made in \/home\/u has/,
  },
  { about: "what is the user's own is not changed", files: NOTHING, facts: { changeable: bytes('/home/u') } },
  {
    about: 'the way lies in a tree that is changed',
    files: { writable: bytes('/home') },
    facts: { directories: bytes('/home') },
    supervisor: /made in \/home has/,
  },
  { about: 'all is changed', files: { writable: bytes('/') }, supervisor: /made in \/ has/ },
  {
    about: 'own directories',
    files: { writable: [], own: bytes('/tmp') },
    facts: { directories: bytes('/tmp') },
    read: [rule('deny', '/tmp/x')],
    supervisor: /made in \/tmp has/,
  },
  {
    about: 'what is made where nothing else may be read',
    files: { writable: [], own: bytes('/tmp') },
    facts: { directories: bytes('/tmp') },
    read: [rule('deny', '/'), rule('allow', '/usr')],
    supervisor: /made in \/tmp has/,
  },
  {
    about: 'what is made where others are read too',
    files: { writable: [], own: bytes('/tmp') },
    facts: { directories: bytes('/tmp') },
    read: [rule('deny', '/'), rule('allow', '/tmp')],
  },
  {
    about: 'shared memory',
    files: NOTHING,
    read: [rule('deny', '/dev/shm/x')],
    supervisor: /made in \/dev\/shm has/,
  },
  {
    about: 'a file beside the secret is replaced',
    files: { writable: bytes('/home/u/.history') },
    supervisor: /made in \/home\/u has/,
  },
  {
    about: 'a pattern of changes',
    files: { writable: [], rules: [pattern('allow', '/home/u')] },
    supervisor: /made in \/home\/u has/,
  },
  { about: 'no Landlock', files: NOTHING, landlock: false, supervisor: /no Landlock/ },
  { about: 'reports', files: NOTHING, reports: true, supervisor: /told/ },
  {
    about: 'a pattern',
    files: NOTHING,
    read: [SECRET, pattern('deny', '/srv')],
    supervisor: /^deny \/srv\/\*\* is a pattern/,
  },
  {
    about: 'a pattern that allows',
    files: NOTHING,
    read: [SECRET, pattern('allow', '/srv')],
    supervisor: /is a pattern/,
  },
  {
    about: 'a process',
    files: NOTHING,
    read: [rule('deny', '/proc/1/environ')],
    supervisor: /comes and goes/,
  },
  { about: 'all of /proc', files: NOTHING, read: [rule('deny', '/proc')] },
  {
    about: 'a directory that cannot be listed',
    files: NOTHING,
    facts: { unlistable: bytes('/home') },
    supervisor: /\/home cannot be listed/,
  },
  { about: 'another directory that cannot be listed', files: NOTHING, facts: { unlistable: bytes('/srv') } },
  { about: 'nobody has looked', files: NOTHING, facts: 'nobody has looked', supervisor: /not looked at/ },
];

for (const { about, read = [SECRET], files, facts = {}, landlock, reports, supervisor } of CASES) {
  void test(`who holds the rules about reading: ${about}`, () => {
    const policy: Policy = { files, read, network: undefined, unixSockets: [] };
    const known = facts === 'nobody has looked' ? undefined : { ...FACTS, ...facts };
    const plan = planReading(policy, known, {
      hasLandlock: landlock !== false,
      wantsReports: reports === true,
    });
    assert.equal(plan?.heldBy, supervisor === undefined ? 'Landlock' : 'supervisor', plan?.why);
    if (supervisor !== undefined) assert.match(plan?.why ?? '', supervisor);
  });
}

void test('rules that only allow restrict nothing', () => {
  const options = { hasLandlock: true, wantsReports: false };
  const policy: Policy = {
    files: undefined,
    read: [rule('allow', '/usr')],
    network: undefined,
    unixSockets: [],
  };
  assert.equal(planReading(policy, FACTS, options), undefined);
  assert.equal(planReading({ ...policy, read: [] }, FACTS, options), undefined);
});

void test('what the user may not read anyway needs no rule, and no directory on the way is listed for it', () => {
  const given = [SECRET, rule('deny', '/etc/shadow'), rule('allow', '/etc/shadow')];
  const rules = readingRules(given, { closed: bytes('/etc/shadow'), devices: [] });
  assert.deepEqual(rules, [SECRET, rule('allow', '/etc/shadow')]);
  assert.deepEqual(readingWays(readingPlaces(rules)), bytes('/', '/home', '/home/u'));
});

void test('devices that hold the same bytes are denied too, but for one that is named', () => {
  const devices = bytes('/dev/sda', '/dev/sdb');
  const rules = readingRules([SECRET, rule('allow', '/dev/sdb')], { closed: [], devices });
  const denied = rules.filter(({ effect }) => effect === 'deny').map(({ place }) => place);
  assert.deepEqual(denied, [SECRET.place, { kind: 'path', path: Buffer.from('/dev/sda') }]);
});

void test('where the supervisor judges reading it sees how names change, and else nothing is referred', () => {
  const features = { landlockAbi: 7, listener: true, waitKillable: true, coreHandler: false };
  const plans = [true, false].map((wantsReports) =>
    makePlan({ files: undefined, read: [SECRET], network: undefined, unixSockets: [] }, features, {
      refer: notify,
      judges: new Set(['files']),
      terminals: [],
      surroundings: { interfaces: [], changesRoot: false, own: [], reading: FACTS },
      wantsReports,
    }),
  );
  assert.deepEqual(
    plans.map(({ situation }) => [situation.refersReads, situation.names]),
    [
      [true, 'all'],
      [false, 'existing'],
    ],
  );
  assert.deepEqual(
    plans.map(({ policy }) => policy.files),
    [{ writable: bytes('/') }, undefined],
  );
  for (const { landlock } of plans) {
    const handled = landlock?.ruleset.handledAccessFs ?? 0;
    assert.equal(handled & (AccessFs.READ_FILE | AccessFs.READ_DIR | AccessFs.EXECUTE), AccessFs.READ_FILE);
  }
});
