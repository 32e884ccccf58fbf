import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isAllowedPath,
  judgeControllingTerminal,
  judgeCreate,
  judgeEntry,
  judgeLink,
  judgeMetadata,
  judgeMove,
  judgeNode,
  judgeOpen,
  judgeTruncate,
  type FileRules,
  type FoundObject,
  type Place,
} from './files.ts';
import { judgeEntries } from './two-places.ts';
import { DeniedPlaces } from './denied-places.ts';
import { PathSet } from './path-set.ts';

const SUPERVISOR = 4242;

function rules(landlock: boolean): FileRules {
  return {
    restricted: true,
    denied: new DeniedPlaces([Buffer.from('/w/own/place')]),
    interfaces: new DeniedPlaces(['/proc', '/sys', '/w/jail/proc'].map((path) => Buffer.from(path))),
    writable: new PathSet([
      { path: Buffer.from('/w'), backing: { kind: landlock ? 'directory' : 'none' } },
      { path: Buffer.from('/new'), backing: { kind: 'none' } },
      {
        path: Buffer.from('/f'),
        backing: landlock ? { kind: 'file', device: 1n, inode: 7n } : { kind: 'none' },
      },
    ]),
    landlock,
    supervisor: SUPERVISOR,
  };
}

function at(path: string): Place {
  return { path: Buffer.from(path), isInterface: false };
}

function object(path: string, inode = 7n): FoundObject {
  return { ...at(path), device: 1n, inode, isOfMember: false };
}

const WRITE = { writes: true, makesNameless: false, truncatesUnwritten: false };
const READ = { writes: false, makesNameless: false, truncatesUnwritten: false };
const TRUNCATE = { writes: true, makesNameless: false, truncatesUnwritten: true };

describe('judgeOpen()', () => {
  const cases: [boolean, typeof WRITE, FoundObject, string][] = [
    [true, WRITE, object('/w/x'), 'continue'],
    [true, WRITE, object('/new/x'), 'perform'],
    [true, WRITE, object('/f'), 'continue'],
    [true, WRITE, object('/f', 8n), 'perform'],
    [true, WRITE, object('/etc/passwd'), 'refuse'],
    [true, READ, object('/etc/passwd'), 'continue'],
    [true, { writes: false, makesNameless: true, truncatesUnwritten: false }, object('/etc'), 'refuse'],
    [true, WRITE, object('pipe:[5]'), 'refuse'],
    [true, WRITE, object('socket:[5]'), 'continue'],
    [true, WRITE, object('(unreachable)/w/x'), 'refuse'],
    [false, WRITE, object('/w/x'), 'perform'],
    [false, WRITE, object('/f'), 'perform'],
    [false, READ, object('/etc/passwd'), 'perform'],
    [false, WRITE, object('/etc/passwd'), 'refuse'],
    [false, WRITE, object('pipe:[5]'), 'refuse'],
    [false, READ, object('pipe:[5]'), 'perform'],
    [false, WRITE, object('(unreachable)/w/x'), 'refuse'],
    [true, WRITE, object(`/proc/${SUPERVISOR}/comm`), 'refuse'],
    [true, WRITE, object('/proc/1/mem'), 'refuse'],
  ];
  for (const [landlock, call, found, expected] of cases) {
    const what = `${call.writes ? 'write' : 'no write'} ${String(found.path)} (inode ${found.inode})`;
    test(`${what}, ${landlock ? 'with' : 'without'} Landlock: ${expected}`, () => {
      assert.equal(judgeOpen(rules(landlock), call, found).kind, expected);
    });
  }

  test('performs what may truncate without opening for writing: Landlock is not asked about that', () => {
    assert.equal(judgeOpen(rules(true), TRUNCATE, object('/w/x')).kind, 'perform');
    assert.equal(judgeOpen(rules(true), { ...TRUNCATE, writes: false }, object('/etc/x')).kind, 'perform');
    assert.equal(judgeOpen(rules(true), TRUNCATE, object('/etc/x')).kind, 'refuse');
    assert.equal(judgeCreate(rules(true), TRUNCATE, at('/w/x')).kind, 'perform');
    assert.equal(judgeCreate(rules(true), TRUNCATE, at('/x')).kind, 'refuse');
  });

  test('refuses process memory even where all of /proc is allowed', () => {
    const all = new PathSet([{ path: Buffer.from('/proc'), backing: { kind: 'none' } }]);
    const own = { ...rules(true), writable: all };
    assert.equal(judgeOpen(own, WRITE, object('/proc/77/task/78/mem')).kind, 'refuse');
    assert.equal(judgeOpen(own, WRITE, object('/proc/77/comm')).kind, 'perform');
    assert.equal(judgeOpen(own, WRITE, object(`/proc/${SUPERVISOR}/oom_score_adj`)).kind, 'refuse');
  });
});

describe('judgeEntry() and judgeEntries()', () => {
  test('go on below what Landlock backs, and perform an allowed path itself', () => {
    assert.equal(judgeEntry(rules(true), at('/w/x')).kind, 'continue');
    assert.equal(judgeEntry(rules(true), at('/w')).kind, 'perform');
    assert.equal(judgeEntry(rules(true), at('/x')).kind, 'refuse');
    assert.equal(judgeEntry(rules(false), at('/w/x')).kind, 'perform');
  });

  test('of two names, the stricter answer holds', () => {
    const together = rules(true);
    const names = (...paths: string[]): string => judgeEntries(together, paths.map(at)).kind;
    assert.equal(names('/w/a', '/w/b'), 'continue');
    assert.equal(names('/w/a', '/new/b'), 'perform');
    assert.equal(names('/w/a', '/etc/b'), 'refuse');
    assert.equal(names('/etc/a', '/w/b'), 'refuse');
  });

  test('device nodes are refused even inside', () => {
    assert.equal(judgeNode(rules(true), at('/w/x'), true).kind, 'refuse');
    assert.equal(judgeNode(rules(true), at('/w/x'), false).kind, 'continue');
  });
});

describe('judgeLink()', () => {
  test('lets links be made below an allowed path and never in its place', () => {
    for (const landlock of [true, false]) {
      assert.equal(judgeLink(rules(landlock), at('/w')).kind, 'refuse');
      assert.equal(judgeLink(rules(landlock), at('/new')).kind, 'refuse');
      assert.equal(judgeLink(rules(landlock), at('/x')).kind, 'refuse');
      assert.notEqual(judgeLink(rules(landlock), at('/w/l')).kind, 'refuse');
      assert.equal(isAllowedPath(rules(landlock), Buffer.from('/w')), true);
      assert.equal(isAllowedPath(rules(landlock), Buffer.from('/w/l')), false);
    }
  });
});

describe('judgeTruncate() and judgeMetadata()', () => {
  test('performs truncation: Landlock is not asked about it', () => {
    assert.equal(judgeTruncate(rules(true), object('/w/x')).kind, 'perform');
    assert.equal(judgeTruncate(rules(true), object('/x')).kind, 'refuse');
  });

  test('never goes on with a change of metadata: Landlock would not ask again', () => {
    for (const path of ['/w/x', '/w', '/f', '/new/x', 'pipe:[3]']) {
      assert.equal(judgeMetadata(rules(true), at(path)).kind, 'perform', path);
    }
    for (const path of ['/etc/passwd', 'anon_inode:[eventfd]', 'mnt:[4026531841]', '(unreachable)/w/x']) {
      assert.equal(judgeMetadata(rules(true), at(path)).kind, 'refuse', path);
    }
  });
});

void test('a device of everybody is written to, and neither removed nor replaced nor changed', () => {
  for (const landlock of [true, false]) {
    const device = at('/dev/null');
    const backing = landlock
      ? ({ kind: 'file', device: 1n, inode: 7n } as const)
      : ({ kind: 'none' } as const);
    const given: FileRules = {
      ...rules(landlock),
      writable: new PathSet([{ path: Buffer.from(device.path), backing, fixed: true }]),
    };
    assert.notEqual(judgeOpen(given, WRITE, object('/dev/null')).kind, 'refuse');
    assert.equal(judgeEntry(given, device).kind, 'refuse');
    assert.equal(judgeEntries(given, [device, device]).kind, 'refuse');
    assert.equal(judgeCreate(given, WRITE, device).kind, 'refuse');
    assert.equal(judgeLink(given, device).kind, 'refuse');
    assert.equal(judgeMetadata(given, device).kind, 'refuse');
  }
});

describe('a denied place in an allowed tree', () => {
  const place = at('/w/own/place');
  const below = at('/w/own/place/x');
  const way = at('/w/own');

  for (const landlock of [true, false]) {
    test(`is not changed, nor anything below it, ${landlock ? 'with' : 'without'} Landlock`, () => {
      const given = rules(landlock);
      for (const path of [place, below]) {
        const found = { ...path, device: 1n, inode: 7n, isOfMember: false };
        for (const verdict of [
          judgeOpen(given, WRITE, found),
          judgeTruncate(given, found),
          judgeCreate(given, WRITE, path),
          judgeEntry(given, path),
          judgeLink(given, path),
          judgeNode(given, path, false),
          judgeMetadata(given, path),
          judgeEntries(given, [path, at('/w/x')]),
          judgeEntries(given, [at('/w/x'), path]),
        ])
          assert.equal(verdict.kind, 'refuse', String(path.path));
        assert.notEqual(judgeOpen(given, READ, found).kind, 'refuse');
      }
    });

    test(`has names on the way to it that stay what they are, ${landlock ? 'with' : 'without'} Landlock`, () => {
      const given = rules(landlock);
      assert.equal(judgeMove(given, way).kind, 'refuse');
      assert.equal(judgeLink(given, way).kind, 'refuse');
      assert.equal(judgeEntries(given, [way, at('/w/x')]).kind, 'refuse');
      assert.notEqual(judgeCreate(given, WRITE, at('/w/own/other')).kind, 'refuse');
      assert.notEqual(judgeMove(given, at('/w/own/placed')).kind, 'refuse');
    });
  }
});

/** The verdict on an open for writing, where the policy says nothing of files. */
function openUnrestricted(path: string, isOfMember: boolean): string {
  const unrestricted: FileRules = {
    restricted: false,
    denied: new DeniedPlaces([]),
    interfaces: new DeniedPlaces([]),
    writable: new PathSet([
      { path: Buffer.from('/'), backing: { kind: 'none' } },
      { path: Buffer.from('/home'), backing: { kind: 'directory' } },
    ]),
    landlock: true,
    supervisor: SUPERVISOR,
  };
  return judgeOpen(unrestricted, WRITE, { ...object(path), isOfMember }).kind;
}

describe('where files are not restricted', () => {
  test('all is changed but interfaces of the kernel', () => {
    assert.equal(openUnrestricted('/home/x', false), 'continue');
    assert.equal(openUnrestricted('/new/x', false), 'perform');
    for (const path of ['/proc/sys/kernel/core_pattern', '/sys/power/state', '/proc/77/oom_score_adj'])
      assert.equal(openUnrestricted(path, false), 'refuse', path);
  });

  test('processes of the sandbox set themselves up, but for what their session shares', () => {
    for (const path of ['/proc/77/comm', '/proc/77/task/78/comm', '/proc/77/mem'])
      assert.equal(openUnrestricted(path, true), 'perform', path);
    assert.equal(openUnrestricted('/proc/77/attr/apparmor/exec', true), 'perform');
    for (const path of [
      '/proc/77/autogroup',
      '/proc/77/net/xt_recent/x',
      '/proc/77/task/78/net/flush',
      '/proc/77/ns',
    ])
      assert.equal(openUnrestricted(path, true), path.endsWith('ns') ? 'perform' : 'refuse', path);
    assert.equal(openUnrestricted('/proc/77/mem', false), 'refuse');
  });
});

function allowing(path: string): FileRules {
  const writable = new PathSet([{ path: Buffer.from(path), backing: { kind: 'directory' } }]);
  return { ...rules(true), writable };
}

void test('the controlling terminal is written where it was handed over, or where a rule allows it by its own name', () => {
  const terminal = object('/dev/pts/7');
  const kind = (rules: FileRules, writes: boolean, given: boolean, named = true): string =>
    judgeControllingTerminal(rules, writes, given, named ? terminal : undefined).kind;
  for (const rules of [allowing('/srv'), allowing('/dev')]) {
    assert.equal(kind(rules, true, true), 'perform');
    assert.equal(kind(rules, false, false), 'perform');
    assert.equal(kind(rules, true, false, false), 'refuse');
  }
  assert.equal(kind(allowing('/srv'), true, false), 'refuse');
  assert.equal(kind(allowing('/dev'), true, false), 'perform');
});

describe('an interface of the kernel', () => {
  test('that no rule could have named is closed, wherever it lies', () => {
    for (const landlock of [true, false]) {
      const given = rules(landlock);
      const late = { ...at('/w/late/1/comm'), isInterface: true };
      assert.equal(judgeEntry(given, late).kind, 'refuse');
      assert.equal(judgeMetadata(given, late).kind, 'refuse');
      assert.equal(
        judgeOpen(given, WRITE, { ...object('/w/late/1/comm'), isInterface: true }).kind,
        'refuse',
      );
    }
  });

  test('keeps the names on the way to it', () => {
    const given = rules(false);
    assert.equal(judgeMove(given, at('/w/jail')).kind, 'refuse');
    assert.equal(judgeLink(given, at('/w/jail')).kind, 'refuse');
    assert.notEqual(judgeMove(given, at('/w/jailer')).kind, 'refuse');
    assert.notEqual(judgeEntry(given, at('/w/jail/x')).kind, 'refuse');
  });
});
