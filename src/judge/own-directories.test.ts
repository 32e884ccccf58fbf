import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DeniedPlaces } from './denied-places.ts';
import {
  judgeCreate,
  judgeEntry,
  judgeMetadata,
  judgeMove,
  judgeOpen,
  judgeRemoval,
  type FileRules,
  type FoundObject,
} from './files.ts';
import { judgeSecondName } from './two-places.ts';
import { OwnDirectories } from './own-directories.ts';
import { PathSet } from './path-set.ts';

/** A tree of files as paths, with those that were made inside; nobody else made anything in what was made inside unless it is here. */
interface World {
  readonly files: ReadonlySet<string>;
  readonly made: ReadonlySet<string>;
}

function text({ path }: { path: Uint8Array }): string {
  return Buffer.from(path).toString();
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function rulesOf({ files, made }: World): FileRules {
  const makers = {
    made: (place: { path: Uint8Array }) => made.has(text(place)),
    madeFile: (place: { path: Uint8Array }) => made.has(text(place)),
    madeDirectoryOf: (place: { path: Uint8Array }) => made.has(parent(text(place))),
    isFree: (place: { path: Uint8Array }) => !files.has(text(place)),
  };
  return {
    restricted: true,
    writable: new PathSet([{ path: Buffer.from('/t/w'), backing: { kind: 'directory' } }]),
    own: new OwnDirectories([Buffer.from('/t')], makers, [Buffer.from('/t/proc')]),
    denied: new DeniedPlaces([Buffer.from('/t/a/a')]),
    interfaces: new DeniedPlaces([]),
    landlock: true,
    supervisor: 42,
  };
}

function at(path: string): FoundObject {
  return { path: Buffer.from(path), isInterface: false, device: 1n, inode: 1n, isOfMember: false };
}

const WRITE = { writes: true, makesNameless: false, truncatesUnwritten: false };
const name = fc.constantFrom('a', 'b', 'w', 'proc', 'tt');
const path = fc
  .tuple(fc.constantFrom('', '/t', '/t', '/t', '/tt'), fc.array(name, { minLength: 1, maxLength: 3 }))
  .map(([root, names]) => `${root}/${names.join('/')}`);

/** The same once more, plainly: parts of paths are compared, one by one. */
function reference({ files, made }: World, asked: string) {
  const parts = asked.split('/').slice(1);
  const above = `/${parts.slice(0, -1).join('/')}`;
  const below = parts[0] === 't' && parts.length > 1;
  const allowed = below && parts[1] === 'w';
  const denied = below && parts[1] === 'a' && parts[2] === 'a';
  const leads = asked === '/t/a';
  const shared = below && !allowed && parts[1] !== 'proc' && !denied;
  const named = shared && (above === '/t' || made.has(above));
  const inTree = allowed && !denied;
  return {
    create: inTree || named,
    open: inTree || (shared && made.has(asked)),
    remove: inTree || (named && made.has(asked)),
    move: !leads && (inTree || (named && (made.has(asked) || !files.has(asked)))),
    link: !leads && (inTree || (shared && made.has(asked))),
  };
}

function allows(kind: string): boolean {
  return kind !== 'refuse';
}

describe('OwnDirectories', () => {
  test('decides as a plain reference does', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path), fc.uniqueArray(path), path, (others, own, asked) => {
        const world = { files: new Set([...others, ...own]), made: new Set(own) };
        const rules = rulesOf(world);
        const place = at(asked);
        const expected = reference(world, asked);
        assert.equal(allows(judgeEntry(rules, place).kind), expected.create, `create ${asked}`);
        assert.equal(allows(judgeCreate(rules, WRITE, place).kind), expected.create, `open new ${asked}`);
        assert.equal(
          allows(judgeOpen(rules, WRITE, place).kind),
          expected.open || asked === '/t',
          `open ${asked}`,
        );
        assert.equal(allows(judgeMetadata(rules, place).kind), expected.open, `change ${asked}`);
        assert.equal(allows(judgeRemoval(rules, place).kind), expected.remove, `remove ${asked}`);
        assert.equal(allows(judgeMove(rules, place).kind), expected.move, `move ${asked}`);
        const link = judgeSecondName(rules, place, at('/t/w/new')).kind;
        assert.equal(allows(link), expected.link, `link ${asked}`);
      }),
      { numRuns: 5000 },
    );
  });

  test('what is its own is performed, as Landlock has no rule for it', () => {
    const rules = rulesOf({ files: new Set(['/t/b']), made: new Set(['/t/b']) });
    assert.equal(judgeOpen(rules, WRITE, at('/t/b')).kind, 'perform');
    assert.equal(judgeEntry(rules, at('/t/b/x')).kind, 'perform');
    assert.equal(judgeMetadata(rules, at('/t')).kind, 'refuse');
  });
});
