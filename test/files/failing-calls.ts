/**
 * Calls that fail natively in the fixture of errno.test.ts: each row is a label, a number and arguments.
 */
import type { Argument } from '../probes/protocol.ts';
import { isRoot } from '../support/environment.ts';
import { At, Call, Mode, Open, Rename } from '../support/numbers.ts';

import { socketAddress } from './expand.ts';

export type Row = readonly [label: string, number: number, ...arguments: Argument[]];

const NULL = 0;
const UNMAPPED = 4096;
const BAD_DESCRIPTOR = 777;
const WRITE_CREATE = Open.writeOnly | Open.create;
const VALUE: Argument = { hex: '6e6577' };
const TIMES: Argument = {
  hex: '00e1f50500000000'.padEnd(16, '0').repeat(4).replaceAll('00e1f505', '00000000'),
};
const HOW = (flags: number): Argument => ({ hex: flags.toString(16).padStart(2, '0').padEnd(48, '0') });

/** Paths that lead nowhere, whatever is done with them. */
const badPaths: readonly (readonly [label: string, path: Argument])[] = [
  ['a missing directory', { path: 'missing/x' }],
  ['a file as directory', { path: 'f/x' }],
  ['a long component', { path: 'n'.repeat(256) }],
  ['a long path', { path: './'.repeat(2048) }],
  ['forty-one links', { path: 'loop41/x' }],
  ['a link to itself', { path: 'self/x' }],
  ['NULL', NULL],
  ['unmapped memory', UNMAPPED],
  ['a path that runs into unmapped memory', { edge: 'f', cut: true }],
  ['an empty path', { path: '' }],
];

/** The calls that take a path first, with arguments that would be right. */
const onePath: readonly Row[] = [
  ['open O_WRONLY', Call.open, 'path', Open.writeOnly],
  ['open O_CREAT', Call.open, 'path', WRITE_CREATE, 0o644],
  ['open O_TMPFILE', Call.open, 'path', Open.temporaryFile | Open.readWrite, 0o644],
  ['creat', Call.creat, 'path', 0o644],
  ['truncate', Call.truncate, 'path', 0],
  ['mkdir', Call.mkdir, 'path', 0o755],
  ['mknod', Call.mknod, 'path', Mode.fifo, 0],
  ['rmdir', Call.rmdir, 'path'],
  ['unlink', Call.unlink, 'path'],
  ['symlink', Call.symlink, { path: 'to' }, 'path'],
  ['rename from', Call.rename, 'path', { path: 'new' }],
  ['rename to', Call.rename, { path: 'f' }, 'path'],
  ['link from', Call.link, 'path', { path: 'new' }],
  ['link to', Call.link, { path: 'f' }, 'path'],
  ['chmod', Call.chmod, 'path', 0o600],
  ['chown', Call.chown, 'path', -1, -1],
  ['lchown', Call.lchown, 'path', -1, -1],
  ['setxattr', Call.setxattr, 'path', { path: 'user.n' }, VALUE, 3, 0],
  ['removexattr', Call.removexattr, 'path', { path: 'user.old' }],
  ['utime', Call.utime, 'path', NULL],
  ['openat2', Call.openat2, At.cwd, 'path', HOW(Open.writeOnly), 24],
];

const byPath: readonly Row[] = badPaths.flatMap(([kind, path]) =>
  onePath.map(([label, number, ...rest]): Row => [
    `${label} of ${kind}`,
    number,
    ...rest.map((argument) => (argument === 'path' ? path : argument)),
  ]),
);

const p = (path: string): Argument => ({ path });

const single: readonly Row[] = [
  ['mkdir of a directory', Call.mkdir, p('d'), 0o755],
  ['mkdir of a file', Call.mkdir, p('f'), 0o755],
  ['mkdir of a link', Call.mkdir, p('dangling'), 0o755],
  ['mkdir of .', Call.mkdir, p('.'), 0o755],
  ['mkdir of ..', Call.mkdir, p('..'), 0o755],
  ['mkdir of /', Call.mkdir, p('/'), 0o755],
  ['mkdir of d/', Call.mkdir, p('d/'), 0o755],
  ['mkdir of d/.', Call.mkdir, p('d/.'), 0o755],
  ['mkdirat of a directory', Call.mkdirat, At.cwd, p('d'), 0o755],
  ['mkdirat of a bad descriptor', Call.mkdirat, BAD_DESCRIPTOR, p('x'), 0o755],
  ['mkdirat of a bad descriptor, absolute', Call.mkdirat, BAD_DESCRIPTOR, p('/tmp'), 0o755],
  ['mkdirat of a file descriptor', Call.mkdirat, { saved: 'file' }, p('x'), 0o755],
  ['mknod of a file', Call.mknod, p('f'), Mode.fifo, 0],
  ['mknod of a new/', Call.mknod, p('new/'), Mode.fifo, 0],
  ['mknod of a directory type', Call.mknod, p('new'), 0o040644, 0],
  ['mknod of a bad type', Call.mknod, p('new'), 0o170644, 0],
  ['rmdir of a full directory', Call.rmdir, p('full')],
  ['rmdir of a file', Call.rmdir, p('f')],
  ['rmdir of a link', Call.rmdir, p('l')],
  ['rmdir of .', Call.rmdir, p('.')],
  ['rmdir of full/..', Call.rmdir, p('full/..')],
  ['rmdir of /', Call.rmdir, p('/')],
  ['rmdir of a missing one', Call.rmdir, p('missing')],
  ['unlink of a missing file', Call.unlink, p('missing')],
  ['unlink of a directory', Call.unlink, p('d')],
  ['unlink of f/', Call.unlink, p('f/')],
  ['unlink of .', Call.unlink, p('.')],
  ['unlinkat with bad flags', Call.unlinkat, At.cwd, p('f'), 0x40],
  ['unlinkat of a bad descriptor', Call.unlinkat, BAD_DESCRIPTOR, p('f'), 0],
  ['unlinkat AT_REMOVEDIR of a file', Call.unlinkat, At.cwd, p('f'), At.removeDirectory],
  ['unlinkat AT_REMOVEDIR of a full one', Call.unlinkat, At.cwd, p('full'), At.removeDirectory],
  ['symlink over a file', Call.symlink, p('to'), p('f')],
  ['symlink to nothing', Call.symlink, p(''), p('new')],
  ['symlink to new/', Call.symlink, p('to'), p('new/')],
  ['symlink with a NULL target', Call.symlink, NULL, p('new')],
  ['symlinkat over a link', Call.symlinkat, p('to'), At.cwd, p('l')],
  ['rename of a missing file', Call.rename, p('missing'), p('new')],
  ['rename into a missing directory', Call.rename, p('f'), p('missing/f')],
  ['rename of a file over a directory', Call.rename, p('f'), p('d')],
  ['rename of a directory over a file', Call.rename, p('d'), p('f')],
  ['rename over a full directory', Call.rename, p('d'), p('full')],
  ['rename into itself', Call.rename, p('full'), p('full/below')],
  ['rename of f/', Call.rename, p('f/'), p('new')],
  ['rename of a file to new/', Call.rename, p('f'), p('new/')],
  ['rename of .', Call.rename, p('.'), p('new')],
  ['rename to ..', Call.rename, p('d'), p('..')],
  ['renameat2 NOREPLACE over a file', Call.renameat2, At.cwd, p('f'), At.cwd, p('g'), Rename.noReplace],
  ['renameat2 EXCHANGE with nothing', Call.renameat2, At.cwd, p('f'), At.cwd, p('new'), Rename.exchange],
  ['renameat2 with bad flags', Call.renameat2, At.cwd, p('f'), At.cwd, p('new'), 0x40],
  ['renameat2 EXCHANGE|NOREPLACE', Call.renameat2, At.cwd, p('f'), At.cwd, p('g'), 3],
  ['renameat of a bad descriptor', Call.renameat, BAD_DESCRIPTOR, p('f'), At.cwd, p('new')],
  ['renameat to a bad descriptor', Call.renameat, At.cwd, p('f'), BAD_DESCRIPTOR, p('new')],
  ['link over a file', Call.link, p('f'), p('g')],
  ['link of a directory', Call.link, p('d'), p('new')],
  ['link of a missing file', Call.link, p('missing'), p('new')],
  ['link to new/', Call.link, p('f'), p('new/')],
  ['linkat with bad flags', Call.linkat, At.cwd, p('f'), At.cwd, p('new'), 0x40],
  [
    'linkat AT_EMPTY_PATH of a bad descriptor',
    Call.linkat,
    BAD_DESCRIPTOR,
    p(''),
    At.cwd,
    p('new'),
    At.emptyPath,
  ],
  ['linkat without AT_EMPTY_PATH', Call.linkat, { saved: 'file' }, p(''), At.cwd, p('new'), 0],
  ['open O_EXCL of a file', Call.open, p('f'), WRITE_CREATE | Open.exclusive, 0o644],
  ['open O_EXCL of a link', Call.open, p('dangling'), WRITE_CREATE | Open.exclusive, 0o644],
  ['open O_EXCL of a directory', Call.open, p('d'), WRITE_CREATE | Open.exclusive, 0o644],
  ['open O_WRONLY of a directory', Call.open, p('d'), Open.writeOnly],
  ['open O_CREAT of a directory', Call.open, p('d'), Open.create, 0o644],
  ['open O_TRUNC of a directory', Call.open, p('d'), Open.truncate],
  ['open O_CREAT of new/', Call.open, p('new/'), WRITE_CREATE, 0o644],
  ['open O_WRONLY of f/', Call.open, p('f/'), Open.writeOnly],
  ['open O_CREAT of f/', Call.open, p('f/'), WRITE_CREATE, 0o644],
  ['open O_CREAT of .', Call.open, p('.'), WRITE_CREATE, 0o644],
  ['open O_WRONLY of a missing file', Call.open, p('missing'), Open.writeOnly],
  ['open O_WRONLY of a dangling link', Call.open, p('dangling'), Open.writeOnly],
  ['open O_NOFOLLOW of a link', Call.open, p('l'), Open.writeOnly | Open.noFollow],
  ['open O_CREAT|O_NOFOLLOW of a link', Call.open, p('l'), WRITE_CREATE | Open.noFollow, 0o644],
  ['open O_DIRECTORY of a file', Call.open, p('f'), Open.writeOnly | Open.directory],
  ['open O_DIRECTORY|O_CREAT', Call.open, p('new'), WRITE_CREATE | Open.directory, 0o644],
  ['open O_TMPFILE of a file', Call.open, p('f'), Open.temporaryFile | Open.writeOnly, 0o644],
  ['open O_TMPFILE read-only', Call.open, p('d'), Open.temporaryFile, 0o644],
  ['open O_TMPFILE of a missing one', Call.open, p('missing'), Open.temporaryFile | Open.readWrite, 0o644],
  ['openat of a bad descriptor', Call.openat, BAD_DESCRIPTOR, p('f'), Open.writeOnly],
  ['openat of a file descriptor', Call.openat, { saved: 'file' }, p('f'), Open.writeOnly],
  ['openat of AT_FDCWD off by one', Call.openat, -101, p('f'), Open.writeOnly],
  ['openat2 of a bad size', Call.openat2, At.cwd, p('f'), HOW(Open.writeOnly), 8],
  ['openat2 of bad flags', Call.openat2, At.cwd, p('f'), { hex: '01000000ff000000'.padEnd(48, '0') }, 24],
  ['openat2 of a NULL how', Call.openat2, At.cwd, p('f'), NULL, 24],
  [
    'openat2 beneath, absolute',
    Call.openat2,
    At.cwd,
    p('/tmp/x'),
    { hex: `${'01'.padEnd(32, '0')}08`.padEnd(48, '0') },
    24,
  ],
  [
    'openat2 without links',
    Call.openat2,
    At.cwd,
    p('l'),
    { hex: `${'01'.padEnd(32, '0')}04`.padEnd(48, '0') },
    24,
  ],
  [
    'openat2 of a mode without O_CREAT',
    Call.openat2,
    At.cwd,
    p('f'),
    { hex: '01'.padEnd(16, '0') + 'a4'.padEnd(32, '0') },
    24,
  ],
  ['truncate of a directory', Call.truncate, p('d'), 0],
  ['truncate to a negative length', Call.truncate, p('f'), -1],
  ['truncate of a FIFO', Call.truncate, p('p'), 0],
  ['fchmod of a bad descriptor', Call.fchmod, BAD_DESCRIPTOR, 0o600],
  ['fchmod of an O_PATH descriptor', Call.fchmod, { saved: 'path' }, 0o600],
  ['fchmodat2 of a link', Call.fchmodat2, At.cwd, p('l'), 0o600, At.noFollow],
  ['fchmodat2 with bad flags', Call.fchmodat2, At.cwd, p('f'), 0o600, 0x40],
  ['fchown of a bad descriptor', Call.fchown, BAD_DESCRIPTOR, -1, -1],
  ['fchownat with bad flags', Call.fchownat, At.cwd, p('f'), -1, -1, 0x40],
  ['fchownat of a missing file', Call.fchownat, At.cwd, p('missing'), -1, -1, 0],
  ['setxattr of a bad name space', Call.setxattr, p('f'), p('bogus.n'), VALUE, 3, 0],
  ['setxattr XATTR_REPLACE of a missing one', Call.setxattr, p('f'), p('user.n'), VALUE, 3, 2],
  ['setxattr XATTR_CREATE of a present one', Call.setxattr, p('f'), p('user.old'), VALUE, 3, 1],
  ['setxattr of an empty name', Call.setxattr, p('f'), p(''), VALUE, 3, 0],
  ['setxattr of a long name', Call.setxattr, p('f'), p(`user.${'n'.repeat(300)}`), VALUE, 3, 0],
  ['setxattr of a huge value', Call.setxattr, p('f'), p('user.n'), VALUE, 70_000, 0],
  ['setxattr with bad flags', Call.setxattr, p('f'), p('user.n'), VALUE, 3, 64],
  ['setxattr of a NULL value', Call.setxattr, p('f'), p('user.n'), NULL, 3, 0],
  ['lsetxattr of a link', Call.lsetxattr, p('l'), p('user.n'), VALUE, 3, 0],
  ['fsetxattr of a bad descriptor', Call.fsetxattr, BAD_DESCRIPTOR, p('user.n'), VALUE, 3, 0],
  ['removexattr of a missing one', Call.removexattr, p('f'), p('user.none')],
  ['fremovexattr of a missing one', Call.fremovexattr, { saved: 'file' }, p('user.none')],
  ['utimensat of a missing file', Call.utimensat, At.cwd, p('missing'), NULL, 0],
  ['utimensat of unmapped times', Call.utimensat, At.cwd, p('f'), UNMAPPED, 0],
  ['utimensat of bad nanoseconds', Call.utimensat, At.cwd, p('f'), { hex: 'ff'.repeat(32) }, 0],
  ['utimensat with bad flags', Call.utimensat, At.cwd, p('f'), TIMES, 0x40],
  ['utimensat of a bad descriptor', Call.utimensat, BAD_DESCRIPTOR, NULL, NULL, 0],
  ['utimensat of NULL at AT_FDCWD', Call.utimensat, At.cwd, NULL, NULL, 0],
  ['utimes of a missing file', Call.utimes, p('missing'), NULL],
  ['futimesat of a bad descriptor', Call.futimesat, BAD_DESCRIPTOR, NULL, NULL],
  ['bind over a file', Call.bind, { saved: 'socket' }, socketAddress('f'), 110],
  ['bind in a missing directory', Call.bind, { saved: 'socket' }, socketAddress('missing/s'), 110],
  ['bind of a bad descriptor', Call.bind, BAD_DESCRIPTOR, socketAddress('new'), 110],
  ['bind of a file descriptor', Call.bind, { saved: 'file' }, socketAddress('new'), 110],
  ['bind of unmapped memory', Call.bind, { saved: 'socket' }, UNMAPPED, 110],
  ['bind of a short address', Call.bind, { saved: 'socket' }, socketAddress('new'), 1],
  ['bind of a long address', Call.bind, { saved: 'socket' }, socketAddress('new'), 129],
];

/** What modes forbid an ordinary user. */
const forbidden: readonly Row[] = [
  ['open O_WRONLY of a read-only file', Call.open, p('locked/readonly'), Open.writeOnly],
  ['open O_RDONLY|O_TRUNC of a read-only file', Call.open, p('locked/readonly'), Open.truncate],
  ['truncate of a read-only file', Call.truncate, p('locked/readonly'), 0],
  ['mkdir in a read-only directory', Call.mkdir, p('locked/new'), 0o755],
  ['open O_CREAT in a read-only directory', Call.open, p('locked/new'), WRITE_CREATE, 0o644],
  ['unlink in a read-only directory', Call.unlink, p('locked/readonly')],
  ['rename out of a read-only directory', Call.rename, p('locked/readonly'), p('new')],
  ['link into a read-only directory', Call.link, p('f'), p('locked/new')],
  ['chmod behind a closed directory', Call.chmod, p('closed/x'), 0o600],
  ['open O_WRONLY behind a closed directory', Call.open, p('closed/x'), Open.writeOnly],
  ['chmod of a file of root', Call.chmod, p('/etc/passwd'), 0o600],
  ['chown of a file of root', Call.chown, p('/etc/passwd'), 0, 0],
  ['chown to root', Call.chown, p('f'), 0, 0],
  ['utime of a file of root', Call.utime, p('/etc/passwd'), { hex: '00'.repeat(16) }],
  ['open O_WRONLY of a file of root', Call.open, p('/etc/passwd'), Open.writeOnly],
  ['mkdir in a directory of root', Call.mkdir, p('/etc/new'), 0o755],
  ['mknod of a device', Call.mknod, p('new'), Mode.character, 0x103],
];

/**
 * Errors that the kernel comes to only after it asked for permission, so that a refusal may come first. Inside the
 * allowed tree they are what they are natively.
 */
export const afterPermission: ReadonlySet<string> = new Set([
  'setxattr of a bad name space',
  'setxattr XATTR_REPLACE of a missing one',
  'setxattr XATTR_CREATE of a present one',
  'removexattr of a missing one',
  'fremovexattr of a missing one',
  'fchmodat2 of a link',
]);

export const rows: readonly Row[] = [...byPath, ...single, ...(isRoot ? [] : forbidden)];
