/** The judge of files against a slow one that does nothing but compare lists of components. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  judgeCreate,
  judgeEntry,
  judgeMetadata,
  judgeOpen,
  judgeTruncate,
  type FileRules,
  type Place,
} from './files.ts';
import { judgeEntries } from './two-places.ts';
import { DeniedPlaces } from './denied-places.ts';
import { PathSet, type Backing, type WritablePath } from './path-set.ts';

/** Names that are easily taken for one another, as bytes. */
const name = fc.constantFrom(
  'a',
  'ab',
  'b',
  'A',
  '.a',
  'a (deleted)',
  '\xff',
  '\xef\xbf\xbd',
  'a\n',
  '*',
  'proc',
  'sys',
  'mem',
  '77',
  '78',
);
const components = fc.array(name, { minLength: 1, maxLength: 4 });
const backing: fc.Arbitrary<Backing> = fc.oneof(
  fc.constant<Backing>({ kind: 'none' }),
  fc.constant<Backing>({ kind: 'directory' }),
  fc.constant<Backing>({ kind: 'file', device: 1n, inode: 2n }),
);

function pathOf(parts: readonly string[]): Buffer {
  return Buffer.from(`/${parts.join('/')}`, 'latin1');
}

function at(parts: readonly string[]): Place {
  return { path: pathOf(parts), isInterface: false };
}

interface Allowed {
  readonly parts: readonly string[];
  readonly backing: Backing;
}

/** May a change be made here at all? Component by component, without an index. */
function referenceAllows(allowed: readonly Allowed[], path: readonly string[], supervisor: string): boolean {
  const kernel = path[0] === 'proc' || path[0] === 'sys';
  if (path[0] === 'proc' && path.length > 1 && (path.at(-1) === 'mem' || path[1] === supervisor))
    return false;
  return allowed.some(({ parts, backing: { kind } }) => {
    if (kernel && (parts.length === 0 || parts[0] !== path[0])) return false;
    const holds = parts.every((part, index) => path[index] === part);
    return holds && (parts.length === path.length || kind !== 'file');
  });
}

function isBeginning(short: readonly string[], long: readonly string[]): boolean {
  return short.length <= long.length && short.every((part, index) => part === long[index]);
}

const ground = fc.record({
  allowed: fc.array(fc.record({ parts: components, backing }), { maxLength: 4 }),
  path: components,
  other: components,
  landlock: fc.boolean(),
  truncatesUnwritten: fc.boolean(),
  denied: fc.array(components, { maxLength: 2 }),
});

void test('the judge allows what the reference allows, and nothing else', () => {
  let allowedOnce = 0;
  let refusedOnce = 0;
  fc.assert(
    fc.property(ground, ({ allowed, path, other, landlock, truncatesUnwritten, denied }) => {
      // Of two rules for one path the last one counts, as in a map.
      const last = new Map(allowed.map((entry) => [entry.parts.join('/'), entry]));
      const entries = [...last.values()];
      const writable: WritablePath[] = entries.map((entry) => ({
        path: pathOf(entry.parts),
        backing: entry.backing,
      }));
      const rules: FileRules = {
        writable: new PathSet(writable),
        restricted: true,
        denied: new DeniedPlaces(denied.map(pathOf)),
        interfaces: new DeniedPlaces([]),
        landlock,
        supervisor: 77,
      };
      const mayAt = (asked: readonly string[]): boolean =>
        referenceAllows(entries, asked, '77') && !denied.some((place) => isBeginning(place, asked));
      const isWay = (asked: readonly string[]): boolean =>
        denied.some((place) => place.length > asked.length && isBeginning(asked, place));
      const may = mayAt(path);
      if (may) allowedOnce += 1;
      else refusedOnce += 1;
      const bytes = pathOf(path);
      const object = { path: bytes, isInterface: false, device: 1n, inode: 2n, isOfMember: false };
      const call = { writes: true, makesNameless: false, truncatesUnwritten };
      const verdicts = {
        open: judgeOpen(rules, call, object),
        create: judgeCreate(rules, call, object),
        entry: judgeEntry(rules, object),
        metadata: judgeMetadata(rules, object),
        truncate: judgeTruncate(rules, object),
      };
      for (const [what, { kind }] of Object.entries(verdicts)) {
        assert.equal(kind !== 'refuse', may, `${what} ${String(bytes)}`);
        if (kind === 'continue') assert.ok(landlock, `${what}: only Landlock asks again`);
      }
      assert.notEqual(verdicts.metadata.kind, 'continue');
      assert.notEqual(verdicts.truncate.kind, 'continue');
      if (truncatesUnwritten) assert.notEqual(verdicts.open.kind, 'continue');
      const both = judgeEntries(rules, [object, at(other)]).kind !== 'refuse';
      assert.equal(both, may && mayAt(other) && !isWay(path) && !isWay(other));
    }),
    { numRuns: 5000 },
  );
  assert.ok(allowedOnce > 100 && refusedOnce > 100);
});

void test('what is forgotten is no longer left to Landlock', () => {
  fc.assert(
    fc.property(components, components, (parts, below) => {
      const path = pathOf(parts);
      const set = new PathSet([{ path, backing: { kind: 'directory' } }]);
      set.forgetBacking(path);
      const rules: FileRules = {
        restricted: true,
        denied: new DeniedPlaces([]),
        interfaces: new DeniedPlaces([]),
        writable: set,
        landlock: true,
        supervisor: 0,
      };
      assert.notEqual(judgeEntry(rules, at([...parts, ...below])).kind, 'continue');
      assert.notEqual(
        judgeOpen(
          rules,
          { writes: true, makesNameless: false, truncatesUnwritten: false },
          { ...at(parts), device: 1n, inode: 2n, isOfMember: false },
        ).kind,
        'continue',
      );
    }),
  );
});
