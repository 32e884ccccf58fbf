import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isAllowedPath,
  judgeCreate,
  judgeEntries,
  judgeEntry,
  judgeLink,
  judgeMetadata,
  judgeNode,
  judgeOpen,
  judgeTruncate,
  type FileRules,
  type FoundObject,
} from './files.ts';
import { PathSet } from './path-set.ts';

const SUPERVISOR = 4242;

function rules(landlock: boolean): FileRules {
  return {
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

function object(path: string, inode = 7n): FoundObject {
  return { path: Buffer.from(path), device: 1n, inode };
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
    assert.equal(judgeCreate(rules(true), TRUNCATE, Buffer.from('/w/x')).kind, 'perform');
    assert.equal(judgeCreate(rules(true), TRUNCATE, Buffer.from('/x')).kind, 'refuse');
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
    assert.equal(judgeEntry(rules(true), Buffer.from('/w/x')).kind, 'continue');
    assert.equal(judgeEntry(rules(true), Buffer.from('/w')).kind, 'perform');
    assert.equal(judgeEntry(rules(true), Buffer.from('/x')).kind, 'refuse');
    assert.equal(judgeEntry(rules(false), Buffer.from('/w/x')).kind, 'perform');
  });

  test('of two names, the stricter answer holds', () => {
    const together = rules(true);
    const names = (...paths: string[]): string =>
      judgeEntries(
        together,
        paths.map((path) => Buffer.from(path)),
      ).kind;
    assert.equal(names('/w/a', '/w/b'), 'continue');
    assert.equal(names('/w/a', '/new/b'), 'perform');
    assert.equal(names('/w/a', '/etc/b'), 'refuse');
    assert.equal(names('/etc/a', '/w/b'), 'refuse');
  });

  test('device nodes are refused even inside', () => {
    assert.equal(judgeNode(rules(true), Buffer.from('/w/x'), true).kind, 'refuse');
    assert.equal(judgeNode(rules(true), Buffer.from('/w/x'), false).kind, 'continue');
  });
});

describe('judgeLink()', () => {
  test('lets links be made below an allowed path and never in its place', () => {
    for (const landlock of [true, false]) {
      assert.equal(judgeLink(rules(landlock), Buffer.from('/w')).kind, 'refuse');
      assert.equal(judgeLink(rules(landlock), Buffer.from('/new')).kind, 'refuse');
      assert.equal(judgeLink(rules(landlock), Buffer.from('/x')).kind, 'refuse');
      assert.notEqual(judgeLink(rules(landlock), Buffer.from('/w/l')).kind, 'refuse');
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
      assert.equal(judgeMetadata(rules(true), Buffer.from(path)).kind, 'perform', path);
    }
    for (const path of ['/etc/passwd', 'anon_inode:[eventfd]', 'mnt:[4026531841]', '(unreachable)/w/x']) {
      assert.equal(judgeMetadata(rules(true), Buffer.from(path)).kind, 'refuse', path);
    }
  });
});

void test('a device of everybody is written to, and neither removed nor replaced nor changed', () => {
  for (const landlock of [true, false]) {
    const device = Buffer.from('/dev/null');
    const backing = landlock
      ? ({ kind: 'file', device: 1n, inode: 7n } as const)
      : ({ kind: 'none' } as const);
    const given: FileRules = {
      ...rules(landlock),
      writable: new PathSet([{ path: device, backing, fixed: true }]),
    };
    assert.notEqual(judgeOpen(given, WRITE, object('/dev/null')).kind, 'refuse');
    assert.equal(judgeEntry(given, device).kind, 'refuse');
    assert.equal(judgeEntries(given, [device, device]).kind, 'refuse');
    assert.equal(judgeCreate(given, WRITE, device).kind, 'refuse');
    assert.equal(judgeLink(given, device).kind, 'refuse');
    assert.equal(judgeMetadata(given, device).kind, 'refuse');
  }
});
