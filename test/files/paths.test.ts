/**
 * Ways to name a forbidden file that look allowed, and ways to name an allowed one that look odd.
 */
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import type { Argument, Step, StepResult } from '../probes/protocol.ts';
import { type Backing, forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { inodeFlags } from '../support/native.ts';
import { At, Call, Errno, Open } from '../support/numbers.ts';
import { rawCalls, resultOf } from '../support/probe.ts';
import { strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

import { makeFixture } from './fixture.ts';

const WRITE = Open.writeOnly | Open.truncate;
const CREATE = Open.writeOnly | Open.create;
const p = (path: string): Argument => ({ path });

interface Ground {
  /** Changes are allowed here and below. */
  readonly a: string;
  /** And forbidden here. */
  readonly o: string;
  readonly root: string;
}

function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  const [a, o] = [join(root, 'a'), join(root, 'o')];
  makeFixture(a);
  makeFixture(o);
  symlinkSync(o, join(a, 'outside'));
  symlinkSync(join(o, 'f'), join(a, 'outside-file'));
  symlinkSync(join(o, 'absent'), join(a, 'outside-absent'));
  symlinkSync(a, join(o, 'inside'));
  return { a, o, root };
}

function call(label: string, number: number, ...rest: Argument[]): Step {
  return { label, number, arguments: rest };
}

function save(name: string, number: number, ...rest: Argument[]): Step {
  return { label: `save ${name}`, number, arguments: rest, save: name };
}

async function attempt(ground: Ground, backing: Backing, steps: readonly Step[]) {
  return rawCalls(steps, { sandbox: [`--write-allow=${ground.a}`], env: backing.env, cwd: ground.a });
}

/** A link from outside into the allowed tree fails as one between two mounts. */
const LINKS_IN = new Set(['link', 'link in', 'link through a link', 'link by descriptor']);

function assertAll(results: ReadonlyMap<string, StepResult>, steps: readonly Step[], errno: number): void {
  const labels = steps.map(({ label }) => label).filter((label) => !label.startsWith('save '));
  const expected = (label: string) => (errno === Errno.EPERM && LINKS_IN.has(label) ? Errno.EXDEV : errno);
  assert.deepEqual(
    labels.map((label) => `${label}: ${resultOf(results, label).errno}`),
    labels.map((label) => `${label}: ${expected(label)}`),
  );
}

/** All steps must be possible natively, be refused in the sandbox, and leave the forbidden tree as it was. */
async function refused(t: TestContext, backing: Backing, steps: (ground: Ground) => readonly Step[]) {
  const natively = makeGround(t);
  assertAll(await rawCalls(steps(natively), { cwd: natively.a }), steps(natively), 0);
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  assertAll(await attempt(ground, backing, steps(ground)), steps(ground), Errno.EPERM);
  assert.deepEqual(strictSnapshot(ground.o), before);
}

async function allowed(t: TestContext, backing: Backing, steps: (ground: Ground) => readonly Step[]) {
  const natively = makeGround(t);
  assertAll(await rawCalls(steps(natively), { cwd: natively.a }), steps(natively), 0);
  const ground = makeGround(t);
  assertAll(await attempt(ground, backing, steps(ground)), steps(ground), 0);
}

forEachBacking(`symbolic links that lead outside are refused (${who})`, (t, backing) =>
  refused(t, backing, () => [
    call('write through a link', Call.open, p('outside-file'), WRITE),
    call('create through a dangling link', Call.open, p('outside-absent'), CREATE, 0o644),
    call('create below a link', Call.open, p('outside/new'), CREATE, 0o644),
    call('write below a link', Call.open, p('outside/f'), WRITE),
    call('truncate', Call.truncate, p('outside-file'), 1),
    call('chmod', Call.chmod, p('outside-file'), 0o600),
    call('chmod of a directory', Call.chmod, p('outside'), 0o700),
    call('utimensat', Call.utimensat, At.cwd, p('outside-file'), 0, 0),
    call('mkdir', Call.mkdir, p('outside/newdir'), 0o755),
    call('rename out', Call.rename, p('f'), p('outside/new2')),
    call('rename in', Call.rename, p('outside/g'), p('g2')),
    call('link in', Call.link, p('outside/d/../full/x'), p('x2')),
    call('link through a link', Call.linkat, At.cwd, p('outside-file'), At.cwd, p('x3'), At.follow),
    call('link out', Call.link, p('g'), p('outside/g3')),
    call('unlink', Call.unlink, p('outside/f')),
  ]),
);

forEachBacking(`.. out of the allowed tree is refused (${who})`, (t, backing) =>
  refused(t, backing, ({ a }) => [
    save('d', Call.open, p('d'), Open.directory),
    call('relative', Call.open, p('../o/f'), WRITE),
    call('absolute', Call.open, p(`${a}/../o/f`), WRITE),
    call('by way of a directory', Call.open, p(`${a}/d/.././../o/./f`), WRITE),
    call('by descriptor', Call.openat, { saved: 'd' }, p('../../o/f'), WRITE),
    call('with slashes', Call.open, p(`//${a}//..//o///f`), WRITE),
    call('mkdir', Call.mkdir, p('../o/new'), 0o755),
    call('behind a link', Call.open, p('outside/../o/g'), WRITE),
  ]),
);

forEachBacking(`/proc names are followed to what they mean (${who})`, (t, backing) =>
  refused(t, backing, ({ o }) => [
    save('read', Call.open, p(join(o, 'f')), Open.readOnly),
    save('path', Call.open, p(join(o, 'g')), Open.path),
    save('o', Call.open, p(o), Open.directory),
    call('/proc/self/cwd', Call.open, p('/proc/self/cwd/../o/f'), WRITE),
    call('/proc/self/root', Call.open, p(`/proc/self/root${o}/f`), WRITE),
    call('/proc/self/root at the end', Call.openat, At.cwd, p(`/proc/thread-self/root/${o}/f`), WRITE),
    call('/proc/self/fd of a file', Call.open, p('/proc/self/fd/{read}'), Open.writeOnly),
    call('/proc/thread-self/fd', Call.open, p('/proc/thread-self/fd/{read}'), Open.readWrite),
    call('/dev/fd', Call.open, p('/dev/fd/{read}'), Open.writeOnly),
    call('/proc/self/fd of an O_PATH descriptor', Call.open, p('/proc/self/fd/{path}'), Open.writeOnly),
    call('below /proc/self/fd', Call.open, p('/proc/self/fd/{o}/f'), WRITE),
    call('O_TRUNC alone', Call.open, p('/proc/self/fd/{read}'), Open.truncate),
    call('chmod', Call.chmod, p('/proc/self/fd/{path}'), 0o600),
    call('truncate', Call.truncate, p('/dev/fd/{read}'), 0),
    call('link', Call.linkat, At.cwd, p('/proc/self/fd/{read}'), At.cwd, p('linked'), At.follow),
  ]),
);

const linkByDescriptor = ({ o }: Ground): Step[] => [
  save('read', Call.open, p(join(o, 'f')), Open.readOnly),
  call('link by descriptor', Call.linkat, { saved: 'read' }, p(''), At.cwd, p('linked'), At.emptyPath),
];

forEachBacking(`a descriptor from outside gets no name inside (${who})`, async (t, backing) => {
  const natively = makeGround(t);
  const native = await rawCalls(linkByDescriptor(natively), { cwd: natively.a });
  if (resultOf(native, 'link by descriptor').errno !== Errno.ENOENT)
    return refused(t, backing, linkByDescriptor);
  const ground = makeGround(t);
  assertAll(await attempt(ground, backing, linkByDescriptor(ground)), linkByDescriptor(ground), Errno.ENOENT);
  assert.ok(!existsSync(join(ground.a, 'linked')));
  return t.skip('this kernel names files by descriptor for the privileged only');
});

forEachBacking(`what a path is called does not matter inside the tree (${who})`, (t, backing) =>
  allowed(t, backing, ({ a, o }) => [
    save('read', Call.open, p('f'), Open.readOnly),
    save('d', Call.open, p('d'), Open.path),
    call('by a link from outside', Call.open, p(`${o}/inside/f`), WRITE),
    call('by .. from outside', Call.open, p(`${o}/../a/f`), WRITE),
    call('by /proc/self/cwd', Call.open, p('/proc/self/cwd/f'), WRITE),
    call('by /proc/self/root', Call.open, p(`/proc/self/root${a}/f`), WRITE),
    call('by /proc/self/fd', Call.open, p('/proc/self/fd/{read}'), WRITE),
    call('by an O_PATH descriptor', Call.openat, { saved: 'd' }, p('new'), CREATE, 0o644),
    call('below /proc/self/fd', Call.open, p('/proc/self/fd/{d}/new2'), CREATE, 0o644),
    call('with many slashes', Call.open, p(`//${a}///.//f`), WRITE),
    call('a path of 4095 bytes', Call.open, p(`${'./'.repeat(2047)}f`), WRITE),
    call('a name of 255 bytes', Call.open, p('n'.repeat(255)), CREATE, 0o644),
    call('at the edge of a page', Call.open, { edge: 'f' }, WRITE),
    call('a long one at the edge of a page', Call.open, { edge: `${'./'.repeat(2047)}f` }, WRITE),
    call('forty links', Call.open, p(`${'../a/outside/inside/'.repeat(19)}f`), WRITE),
    call('odd characters', Call.open, p('new\nline *[]?\\ \u{1b}[31m'), CREATE, 0o644),
    call('a name that ends in (deleted)', Call.open, p('f (deleted)'), CREATE, 0o644),
  ]),
);

/** An int argument as a register may hold it: the upper half is nobody's. */
function high(low: number, garbage: number): string {
  return String((BigInt(garbage) << 32n) | BigInt.asUintN(32, BigInt(low)));
}

/** Whether the file system has flags (chattr), which an older tmpfs has not. */
function hasFlags(path: string): boolean {
  const descriptor = openSync(path, 'r');
  const flags = inodeFlags(descriptor);
  closeSync(descriptor);
  return flags !== undefined;
}

function withGarbage(directory: string): Step[] {
  return [
    save('dir', Call.open, p(directory), Open.directory),
    save('f', Call.open, p(join(directory, 'f')), Open.readOnly),
    call('flags', Call.open, p(join(directory, 'f')), high(WRITE, 0xdead), 0),
    call(
      'flags whose high bits look harmless',
      Call.open,
      p(join(directory, 'f')),
      high(WRITE, 0xffffffff),
      0,
    ),
    call('dirfd', Call.openat, { saved: 'dir', garbage: 1 }, p('f'), WRITE),
    call('AT_FDCWD without sign', Call.openat, 0xffffff9c, p(join(directory, 'f')), WRITE),
    call('AT_FDCWD and garbage', Call.openat, high(-100, 0x1234), p(join(directory, 'f')), WRITE),
    call('fchmod', Call.fchmod, { saved: 'f', garbage: 0xbeef }, high(0o600, 7)),
    ...(hasFlags(join(directory, 'f'))
      ? [call('ioctl', Call.ioctl, { saved: 'f' }, high(0x40086602, 1), { hex: '4000080000000000' })]
      : []),
    call(
      'linkat flags',
      Call.linkat,
      { saved: 'dir', garbage: 3 },
      p('f'),
      { saved: 'dir' },
      p('n1'),
      high(0, 9),
    ),
    call('unlinkat flags', Call.unlinkat, { saved: 'dir' }, p('d'), high(At.removeDirectory, 5)),
  ];
}

forEachBacking(`integers are compared on their low 32 bits (${who})`, async (t, backing) => {
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  assertAll(await attempt(ground, backing, withGarbage(ground.o)), withGarbage(ground.o), Errno.EPERM);
  assert.deepEqual(strictSnapshot(ground.o), before);
  assertAll(await attempt(ground, backing, withGarbage(ground.a)), withGarbage(ground.a), 0);
});

forEachBacking(`a prefix of a name is not the name (${who})`, async (t, backing) => {
  const { a, o, root } = makeGround(t);
  mkdirSync(`${a}b`);
  writeFileSync(join(o, 'x'), 'x');
  writeFileSync(join(o, 'xy'), 'xy');
  const steps = [
    call('a directory beside', Call.open, p(`${a}b/new`), CREATE, 0o644),
    call('the name of the directory and more', Call.open, p(`${a}c`), CREATE, 0o644),
    call('a file beside', Call.open, p(join(o, 'xy')), WRITE),
    call('the parent', Call.open, p(join(root, 'new')), CREATE, 0o644),
    call('removing the tree itself', Call.rename, p(a), p(`${a}2`)),
    call('moving the allowed file', Call.rename, p(join(o, 'x')), p(join(o, 'z'))),
  ];
  for (const path of [a, `${a}/`]) {
    const sandbox = [`--write-allow=${path},${join(o, 'x')}`];
    const works = [
      call('write to the allowed file', Call.open, p(join(o, 'x')), WRITE),
      call('chmod of the allowed file', Call.chmod, p(join(o, 'x')), 0o600),
      call('create in the allowed directory', Call.open, p(join(a, 'new')), CREATE, 0o644),
    ];
    const results = await rawCalls([...steps, ...works], { sandbox, env: backing.env, cwd: root });
    assertAll(results, steps, Errno.EPERM);
    assertAll(results, works, 0);
    assert.deepEqual(readdirSync(root).toSorted(), ['a', 'ab', 'o']);
    assert.deepEqual(readdirSync(`${a}b`), []);
    assert.equal(readFileSync(join(o, 'xy'), 'utf8'), 'xy');
  }
});

forEachBacking(`names are bytes (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  const bytes = (name: Buffer) => Buffer.concat([Buffer.from(`${root}/`), name]);
  const hex = (name: Buffer, below: string) => ({
    pathHex: Buffer.concat([bytes(name), Buffer.from(below)]).toString('hex'),
  });
  const replacement = Buffer.from('\u{fffd}');
  const raw = Buffer.from([0xff]);
  const overlong = Buffer.from([0xc0, 0xaf]);
  for (const name of [replacement, raw, overlong]) mkdirSync(bytes(name));
  const steps = [
    call('0xff', Call.open, hex(raw, '/new'), CREATE, 0o644),
    call('overlong slash', Call.open, hex(overlong, '/new'), CREATE, 0o644),
  ];
  const works = [call('U+FFFD', Call.open, hex(replacement, '/new'), CREATE, 0o644)];
  const results = await rawCalls([...steps, ...works], {
    sandbox: [`--write-allow=${root}/\u{fffd}`],
    env: backing.env,
  });
  assertAll(results, steps, Errno.EPERM);
  assertAll(results, works, 0);
  assert.ok(existsSync(`${root}/\u{fffd}/new`));

  // Below an allowed directory any bytes will do.
  const below = [raw, overlong, Buffer.from([0x80, 0xbf])].map((name, index) =>
    call(
      `name ${index}`,
      Call.open,
      hex(Buffer.concat([replacement, Buffer.from('/'), name]), ''),
      CREATE,
      0o644,
    ),
  );
  assertAll(
    await rawCalls(below, { sandbox: [`--write-allow=${root}/\u{fffd}`], env: backing.env }),
    below,
    0,
  );
});
