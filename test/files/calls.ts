/**
 * Every system call that changes files, by number. Each case names what it works on inside a fixture; the forms in
 * which it is named (absolute, relative, by directory descriptor) are filled in by `expand`.
 */
import { gid, uid } from '../support/environment.ts';
import { At, Call, FS_IOC_FSSETXATTR, FS_IOC_SETFLAGS, Mode, Open, Rename } from '../support/numbers.ts';
import type { Argument } from '../probes/protocol.ts';

export type CaseArgument =
  | Argument
  /** One argument: a path. */
  | { readonly name: string }
  /** Two arguments: directory and path. */
  | { readonly at: string }
  /** One argument: a descriptor of the file, opened with these flags before the call. */
  | { readonly opened: string; readonly flags: number }
  /** One argument: /proc/self/fd/N for such a descriptor. */
  | { readonly descriptorPath: string; readonly flags: number }
  /** One argument: struct sockaddr_un. */
  | { readonly socketName: string }
  /** One argument: a Unix stream socket. */
  | { readonly socket: true };

export interface Case {
  readonly name: string;
  readonly number: number;
  readonly arguments: readonly CaseArgument[];
  /** The result is a descriptor: write a byte to it, for an effect to see. */
  readonly thenWrite?: true;
  /** Success leaves no trace. */
  readonly traceless?: true;
  /** Some kernels allow it to the privileged only, and tell others that there is nothing (ENOENT). */
  readonly mayNeedPrivilege?: true;
}

const name = (path: string): CaseArgument => ({ name: path });
const at = (path: string): CaseArgument => ({ at: path });
const opened = (path: string, flags: number = Open.readOnly): CaseArgument => ({ opened: path, flags });
const descriptorPath = (path: string, flags: number = Open.readOnly): CaseArgument => ({
  descriptorPath: path,
  flags,
});
const text = (path: string): Argument => ({ path });

const seconds = (...values: number[]): Argument => ({ fields: values.map((value) => [8, value] as const) });
/** Two times, with a fraction of zero: struct utimbuf has no fraction. */
const TIMES = seconds(1_100_000_000, 0, 1_100_000_000, 0);
const UTIMBUF = seconds(1_100_000_000, 1_100_000_000);
const VALUE: Argument = { hex: Buffer.from('new').toString('hex') };
/** struct xattr_args: value, size, flags. */
const XATTR_ARGUMENTS: Argument = {
  fields: [
    [8, VALUE],
    [4, 3],
    [4, 0],
  ],
};
/** struct open_how: flags, mode, resolve. */
const how = (flags: number, mode = 0): Argument => ({
  fields: [
    [8, flags],
    [8, mode],
    [8, 0],
  ],
});
/** struct fsxattr and struct file_attr (24 bytes): FS_XFLAG_NODUMP. */
const FSXATTR: Argument = { hex: '80000000'.padEnd(56, '0') };
const FILE_ATTR: Argument = { hex: '80000000'.padEnd(48, '0') };
/** FS_NODUMP_FL beside EXT4_EXTENTS_FL, which ext4 does not let go. */
const NODUMP_FLAGS: Argument = { hex: '4000080000000000' };

const OPEN_WAYS: readonly (readonly [label: string, path: string, flags: number, Partial<Case>])[] = [
  ['O_WRONLY', 'f', Open.writeOnly, { thenWrite: true }],
  ['O_RDWR', 'f', Open.readWrite, { thenWrite: true }],
  ['access mode 3', 'f', Open.accessMode3, { traceless: true }],
  ['O_RDONLY|O_TRUNC', 'f', Open.readOnly | Open.truncate, {}],
  ['O_WRONLY|O_TRUNC', 'f', Open.writeOnly | Open.truncate, {}],
  ['O_WRONLY|O_APPEND', 'f', Open.writeOnly | Open.append, { thenWrite: true }],
  ['O_RDONLY|O_CREAT', 'new', Open.readOnly | Open.create, {}],
  ['O_WRONLY|O_CREAT', 'new', Open.writeOnly | Open.create, { thenWrite: true }],
  ['O_WRONLY|O_CREAT of a file', 'f', Open.writeOnly | Open.create, { thenWrite: true }],
  ['O_RDWR|O_CREAT|O_EXCL', 'new', Open.readWrite | Open.create | Open.exclusive, { thenWrite: true }],
  ['O_WRONLY|O_CREAT|O_TRUNC', 'f', Open.writeOnly | Open.create | Open.truncate, { thenWrite: true }],
  ['O_WRONLY through a link', 'l', Open.writeOnly, { thenWrite: true }],
  ['O_RDWR of a FIFO', 'p', Open.readWrite, { traceless: true }],
  ['O_TMPFILE', 'd', Open.readWrite | Open.temporaryFile, { traceless: true }],
];

const opens: readonly Case[] = OPEN_WAYS.flatMap(([label, path, flags, rest]) => [
  { name: `open ${label}`, number: Call.open, arguments: [name(path), flags, 0o640], ...rest },
  { name: `openat ${label}`, number: Call.openat, arguments: [at(path), flags, 0o640], ...rest },
  {
    name: `openat2 ${label}`,
    number: Call.openat2,
    arguments: [at(path), how(flags, (flags & (Open.create | 0o20000000)) === 0 ? 0 : 0o640), 24],
    ...rest,
  },
]);

const names: readonly Case[] = [
  { name: 'creat', number: Call.creat, arguments: [name('new'), 0o640] },
  { name: 'creat of a file', number: Call.creat, arguments: [name('f'), 0o640] },
  { name: 'mkdir', number: Call.mkdir, arguments: [name('new'), 0o750] },
  { name: 'mkdir with slash', number: Call.mkdir, arguments: [name('new/'), 0o750] },
  { name: 'mkdirat', number: Call.mkdirat, arguments: [at('new'), 0o750] },
  { name: 'mknod FIFO', number: Call.mknod, arguments: [name('new'), Mode.fifo, 0] },
  { name: 'mknod file', number: Call.mknod, arguments: [name('new'), Mode.regular, 0] },
  { name: 'mknodat FIFO', number: Call.mknodat, arguments: [at('new'), Mode.fifo, 0] },
  { name: 'mknodat file of type 0', number: Call.mknodat, arguments: [at('new'), 0o644, 0] },
  { name: 'rmdir', number: Call.rmdir, arguments: [name('d')] },
  { name: 'unlink', number: Call.unlink, arguments: [name('f')] },
  { name: 'unlink of a link', number: Call.unlink, arguments: [name('l')] },
  { name: 'unlinkat', number: Call.unlinkat, arguments: [at('f'), 0] },
  { name: 'unlinkat AT_REMOVEDIR', number: Call.unlinkat, arguments: [at('d'), At.removeDirectory] },
  { name: 'symlink', number: Call.symlink, arguments: [text('to'), name('new')] },
  { name: 'symlinkat', number: Call.symlinkat, arguments: [text('to'), at('new')] },
  { name: 'rename', number: Call.rename, arguments: [name('f'), name('new')] },
  { name: 'rename over a file', number: Call.rename, arguments: [name('f'), name('g')] },
  { name: 'rename of a directory', number: Call.rename, arguments: [name('full'), name('d')] },
  { name: 'rename into a directory', number: Call.rename, arguments: [name('f'), name('d/f')] },
  { name: 'renameat', number: Call.renameat, arguments: [at('f'), at('new')] },
  { name: 'renameat2', number: Call.renameat2, arguments: [at('f'), at('d/f'), 0] },
  { name: 'renameat2 NOREPLACE', number: Call.renameat2, arguments: [at('f'), at('new'), Rename.noReplace] },
  { name: 'renameat2 EXCHANGE', number: Call.renameat2, arguments: [at('f'), at('full'), Rename.exchange] },
  { name: 'renameat2 WHITEOUT', number: Call.renameat2, arguments: [at('f'), at('new'), Rename.whiteout] },
  { name: 'link', number: Call.link, arguments: [name('f'), name('new')] },
  { name: 'linkat', number: Call.linkat, arguments: [at('f'), at('d/f'), 0] },
  { name: 'linkat of a link', number: Call.linkat, arguments: [at('l'), at('new'), 0] },
  { name: 'linkat AT_SYMLINK_FOLLOW', number: Call.linkat, arguments: [at('l'), at('new'), At.follow] },
  {
    name: 'linkat AT_EMPTY_PATH',
    number: Call.linkat,
    arguments: [opened('f'), text(''), at('new'), At.emptyPath],
    mayNeedPrivilege: true,
  },
  {
    name: 'linkat AT_EMPTY_PATH, O_PATH',
    number: Call.linkat,
    arguments: [opened('f', Open.path), text(''), at('new'), At.emptyPath],
    mayNeedPrivilege: true,
  },
  {
    name: 'linkat /proc/self/fd',
    number: Call.linkat,
    arguments: [At.cwd, descriptorPath('f'), at('new'), At.follow],
  },
  { name: 'bind', number: Call.bind, arguments: [{ socket: true }, { socketName: 'new' }, 110] },
];

const contents: readonly Case[] = [
  { name: 'truncate', number: Call.truncate, arguments: [name('f'), 3] },
  { name: 'truncate through a link', number: Call.truncate, arguments: [name('l'), 3] },
  { name: 'truncate /proc/self/fd', number: Call.truncate, arguments: [descriptorPath('f'), 3] },
  {
    name: 'open /proc/self/fd',
    number: Call.open,
    arguments: [descriptorPath('f'), Open.writeOnly],
    thenWrite: true,
  },
  {
    name: 'open /proc/self/fd, O_PATH',
    number: Call.open,
    arguments: [descriptorPath('f', Open.path), Open.readWrite],
    thenWrite: true,
  },
];

const modes: readonly Case[] = [
  { name: 'chmod', number: Call.chmod, arguments: [name('f'), 0o600] },
  { name: 'chmod to the same', number: Call.chmod, arguments: [name('f'), 0o644] },
  { name: 'chmod through a link', number: Call.chmod, arguments: [name('l'), 0o600] },
  { name: 'chmod of a directory', number: Call.chmod, arguments: [name('d'), 0o711] },
  { name: 'chmod /proc/self/fd', number: Call.chmod, arguments: [descriptorPath('f', Open.path), 0o600] },
  { name: 'fchmod', number: Call.fchmod, arguments: [opened('f'), 0o600] },
  { name: 'fchmod of a directory', number: Call.fchmod, arguments: [opened('d'), 0o711] },
  { name: 'fchmodat', number: Call.fchmodat, arguments: [at('f'), 0o600] },
  { name: 'fchmodat2', number: Call.fchmodat2, arguments: [at('f'), 0o600, 0] },
  { name: 'fchmodat2 NOFOLLOW', number: Call.fchmodat2, arguments: [at('f'), 0o600, At.noFollow] },
  {
    name: 'fchmodat2 AT_EMPTY_PATH',
    number: Call.fchmodat2,
    arguments: [opened('f'), text(''), 0o600, At.emptyPath],
  },
];

const owners: readonly Case[] = [
  { name: 'chown', number: Call.chown, arguments: [name('f'), uid, gid] },
  { name: 'chown through a link', number: Call.chown, arguments: [name('l'), uid, gid] },
  { name: 'lchown', number: Call.lchown, arguments: [name('l'), uid, gid] },
  { name: 'fchown', number: Call.fchown, arguments: [opened('f'), uid, gid] },
  { name: 'fchownat', number: Call.fchownat, arguments: [at('f'), uid, gid, 0] },
  { name: 'fchownat NOFOLLOW', number: Call.fchownat, arguments: [at('l'), uid, gid, At.noFollow] },
  {
    name: 'fchownat AT_EMPTY_PATH',
    number: Call.fchownat,
    arguments: [opened('f'), text(''), uid, gid, At.emptyPath],
  },
];

const NEW = text('user.new');
const OLD = text('user.old');
const attributes: readonly Case[] = [
  { name: 'setxattr', number: Call.setxattr, arguments: [name('f'), NEW, VALUE, 3, 0] },
  { name: 'setxattr through a link', number: Call.setxattr, arguments: [name('l'), NEW, VALUE, 3, 0] },
  {
    name: 'setxattr /proc/self/fd',
    number: Call.setxattr,
    arguments: [descriptorPath('f'), NEW, VALUE, 3, 0],
  },
  { name: 'lsetxattr', number: Call.lsetxattr, arguments: [name('f'), NEW, VALUE, 3, 0] },
  { name: 'fsetxattr', number: Call.fsetxattr, arguments: [opened('f'), NEW, VALUE, 3, 0] },
  { name: 'setxattrat', number: Call.setxattrat, arguments: [at('f'), 0, NEW, XATTR_ARGUMENTS, 16] },
  {
    name: 'setxattrat AT_EMPTY_PATH',
    number: Call.setxattrat,
    arguments: [opened('f'), text(''), At.emptyPath, NEW, XATTR_ARGUMENTS, 16],
  },
  { name: 'removexattr', number: Call.removexattr, arguments: [name('f'), OLD] },
  { name: 'lremovexattr', number: Call.lremovexattr, arguments: [name('f'), OLD] },
  { name: 'fremovexattr', number: Call.fremovexattr, arguments: [opened('f'), OLD] },
  { name: 'removexattrat', number: Call.removexattrat, arguments: [at('f'), 0, OLD] },
  {
    name: 'removexattrat AT_EMPTY_PATH',
    number: Call.removexattrat,
    arguments: [opened('f'), text(''), At.emptyPath, OLD],
  },
  {
    name: 'ioctl FS_IOC_SETFLAGS',
    number: Call.ioctl,
    arguments: [opened('f'), FS_IOC_SETFLAGS, NODUMP_FLAGS],
  },
  {
    name: 'ioctl FS_IOC_FSSETXATTR',
    number: Call.ioctl,
    arguments: [opened('f'), FS_IOC_FSSETXATTR, FSXATTR],
  },
  { name: 'file_setattr', number: Call.fileSetattr, arguments: [at('f'), FILE_ATTR, 24, 0] },
  {
    name: 'file_setattr AT_EMPTY_PATH',
    number: Call.fileSetattr,
    arguments: [opened('f'), text(''), FILE_ATTR, 24, At.emptyPath],
  },
];

const times: readonly Case[] = [
  { name: 'utime', number: Call.utime, arguments: [name('f'), UTIMBUF] },
  { name: 'utime to now', number: Call.utime, arguments: [name('f'), 0] },
  { name: 'utimes', number: Call.utimes, arguments: [name('f'), TIMES] },
  { name: 'futimesat', number: Call.futimesat, arguments: [at('f'), TIMES] },
  { name: 'futimesat of a descriptor', number: Call.futimesat, arguments: [opened('f'), 0, TIMES] },
  { name: 'utimensat', number: Call.utimensat, arguments: [at('f'), TIMES, 0] },
  { name: 'utimensat of a directory', number: Call.utimensat, arguments: [at('d'), TIMES, 0] },
  { name: 'utimensat NOFOLLOW', number: Call.utimensat, arguments: [at('l'), TIMES, At.noFollow] },
  { name: 'utimensat of a descriptor', number: Call.utimensat, arguments: [opened('f'), 0, TIMES, 0] },
  { name: 'utimensat to now', number: Call.utimensat, arguments: [opened('f'), 0, 0, 0] },
  {
    name: 'utimensat AT_EMPTY_PATH',
    number: Call.utimensat,
    arguments: [opened('f'), text(''), TIMES, At.emptyPath],
  },
];

export const cases: readonly Case[] = [
  ...opens,
  ...names,
  ...contents,
  ...modes,
  ...owners,
  ...attributes,
  ...times,
];
