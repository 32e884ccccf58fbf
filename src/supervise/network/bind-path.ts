/** bind(2) of a Unix socket to a path: a new entry of a directory (unix(7), "Pathname sockets"). */
import { Errno, SyscallError } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_NO_MAGICLINKS,
  S_IFMT,
  S_IFSOCK,
  fileMode,
  fstat,
  openPath,
  openPathText,
  openat2,
  terminated,
} from '../../linux/files.ts';
import { asOurselves, impersonated, looking } from '../../linux/impersonation.ts';
import { close, fchdir } from '../../linux/libc.ts';
import { AF_UNIX, UNIX_PATH_OFFSET, UNIX_PATH_SIZE, bind } from '../../linux/sockets.ts';
import { boundInode, innerInode } from '../../linux/unix-diag.ts';
import { birthTime, fileClock } from '../../linux/statx.ts';
import { isShared, judgeEntry, type FileRules } from '../../judge/files.ts';
import { PERFORM } from '../../judge/verdict.ts';
import { allowed, refused } from '../context.ts';
import { entryError, entryType } from '../files/errors.ts';
import { fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveEntry } from '../target/resolve.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import { underUmask } from '../target/umask.ts';
import { confinedBind } from './confined-bind.ts';
import type { NetworkContext } from './context.ts';
import type { TargetSocket } from './target-socket.ts';

const SLASH = 0x2f;

export interface PathBind {
  readonly referral: Referral;
  readonly context: NetworkContext;
  readonly socket: TargetSocket;
  /** struct sockaddr_un as the target gave it. */
  readonly address: Buffer;
  /** The path in it. */
  readonly path: Buffer;
  readonly umask: number;
}

export function bindPath(call: PathBind): Reply {
  const entry = resolveEntry(call.referral.tid, call.context.members, AT_FDCWD, call.path);
  if (entry.kind === 'error') return fail(entry.errno);
  if (entry.kind === 'no-name') return fail(Errno.EADDRINUSE);
  const reply = bindEntry(call, entry);
  close(entry.directory);
  return reply;
}

function bindEntry(call: PathBind, entry: ResolvedEntry): Reply {
  const { referral, context } = call;
  if (entryType(entry) !== undefined) return fail(Errno.EADDRINUSE);
  if (entry.trailingSlash) return fail(Errno.ENOENT);
  const verdict = context.files.restricted ? judgeEntry(context.files, entry) : PERFORM;
  const reported = { kind: 'unix-path', path: entry.path } as const;
  if (verdict.kind === 'refuse') {
    const error = entryError(entry);
    return error === undefined ? refused(referral, context, 'bind', reported, verdict.rule) : fail(error);
  }
  const before = fileClock();
  const result = underUmask(call.umask, () => perform(call, entry));
  if (result === 0) register(call, entry, before);
  const rule = context.files.restricted ? undefined : 'files are not restricted';
  return allowed(referral, context, 'bind', reported, resultReply(result), rule);
}

/**
 * The kernel keeps the path as it was given, for getsockname(2) and for whoever gets a datagram, so it should be the
 * target's own spelling. That one is looked up again, by the kernel, and must not lead elsewhere by then. Where that
 * cannot be had, the file's own path is given, or its bare name, in the directory that was judged.
 */
function perform(call: PathBind, entry: ResolvedEntry): number {
  const { socket, address, path } = call;
  const { files } = call.context;
  if (!path.includes(SLASH)) return bindIn(entry.directory, socket, address);
  if (files.restricted && files.landlock && !isInAllowedTree(files, entry)) {
    // Nothing below the directory is allowed but this one name, and nobody inside moves what leads there.
    return bindIn(entry.directory, socket, path.equals(entry.path) ? address : ownPath(entry));
  }
  const start = looking(() => openPathText(`/proc/${call.referral.tid}/cwd`));
  if (start < 0) return start;
  let result = -Errno.ENOEXEC;
  if (leadsTo(start, path, entry)) {
    // What is not the kernel's to allow is changed by nobody but us, and we are busy with this call.
    const isOurs = !files.restricted || !files.landlock;
    // The helper would begin as who it was made by, and has no file system ids of its own: for others there is none.
    result = isOurs
      ? bindFrom(start, call)
      : impersonated() === undefined
        ? confinedBind(entry.directory, start, socket.descriptor, address)
        : -Errno.ENOEXEC;
  }
  close(start);
  return result === -Errno.ENOEXEC ? bindIn(entry.directory, socket, addressOfPath(bareName(entry))) : result;
}

/** Whether all that lies below the directory of an entry may be changed. */
function isInAllowedTree(files: FileRules, { path }: ResolvedEntry): boolean {
  const parent = path.subarray(0, Math.max(path.lastIndexOf(SLASH), 1));
  return files.writable.locate(parent).kind !== 'outside' && !files.denied.leadsTo(parent);
}

/** Whether a path means the same to us: one through /proc/self does not. */
function leadsTo(start: number, path: Buffer, entry: ResolvedEntry): boolean {
  const parent = path.subarray(0, path.lastIndexOf(SLASH) + 1);
  const found = openat2(start, terminated(parent), O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
  if (found < 0) return false;
  const [one, other] = [fstat(found), fstat(entry.directory)];
  close(found);
  if (typeof one === 'number' || typeof other === 'number') return false;
  return one.inode === other.inode && one.device === other.device;
}

/** As the kernel names the file, where an address has the room. */
function ownPath(entry: ResolvedEntry): Buffer {
  return addressOfPath(entry.path.length < UNIX_PATH_SIZE ? entry.path : bareName(entry));
}

function bareName({ name }: ResolvedEntry): Uint8Array {
  return name.subarray(0, name.indexOf(0));
}

function addressOfPath(path: Uint8Array): Buffer {
  const address = Buffer.alloc(UNIX_PATH_OFFSET + path.length + 1);
  address.writeUInt16LE(AF_UNIX);
  address.set(path, UNIX_PATH_OFFSET);
  return address;
}

/** By the target's own spelling, whose relative path begins in its working directory. */
function bindFrom(start: number, { socket, address, path }: PathBind): number {
  return path[0] === SLASH ? bind(socket.descriptor, address) : bindIn(start, socket, address);
}

/** Binds with another working directory (O_PATH); ours is the same again afterwards, and nothing is done where it could not be. */
function bindIn(directory: number, socket: TargetSocket, address: Buffer): number {
  const here = openPathText('/proc/self/cwd');
  if (here < 0) return here;
  // Whose credentials are taken on may not search it.
  const stays = impersonated() === undefined ? fchdir(here) : 0;
  const result = stays < 0 ? stays : fchdir(directory);
  if (result < 0) {
    close(here);
    return result;
  }
  const bound = bind(socket.descriptor, address);
  asOurselves(() => {
    const back = fchdir(here);
    close(here);
    if (back < 0) throw new SyscallError('fchdir', -back);
  });
  return bound;
}

/**
 * Remembers the inode that the bind has made. Another file may have been moved over it at once, so what is there must
 * be a socket, not older than the bind, and the one that the kernel says the socket is bound to.
 */
function register({ context, socket }: PathBind, entry: ResolvedEntry, before: number): void {
  const made = openPath(entry.directory, entry.name, O_NOFOLLOW);
  if (made < 0) return;
  const born = birthTime(made);
  const isNew = born !== undefined && born >= before;
  const isSocket = (fileMode(made) & S_IFMT) === S_IFSOCK;
  if (isNew && isSocket && isBoundTo(socket.descriptor, made)) {
    if (isShared(context.files, entry)) context.made.add(made);
    context.bound.addInode(made);
  } else close(made);
}

/** True also where the kernel does not tell: then the age alone decides. */
function isBoundTo(socket: number, file: number): boolean {
  const status = fstat(socket);
  if (typeof status === 'number') return false;
  const bound = boundInode(status.inode);
  const found = innerInode(file);
  return bound === undefined || found === undefined || bound === found;
}
