/** bind(2) of a Unix socket to a path: a new entry of a directory (unix(7), "Pathname sockets"). */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_NOFOLLOW,
  S_IFMT,
  S_IFSOCK,
  fileMode,
  openPath,
  openPathText,
} from '../../linux/files.ts';
import { close, fchdir } from '../../linux/libc.ts';
import { bind } from '../../linux/sockets.ts';
import { birthTime } from '../../linux/statx.ts';
import { AF_UNIX, UNIX_PATH_OFFSET } from '../../linux/sockets.ts';
import { judgeEntry } from '../../judge/files.ts';
import { PERFORM, type Verdict } from '../../judge/verdict.ts';
import { allowed, refused } from '../context.ts';
import { entryError, entryType } from '../files/errors.ts';
import { fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveEntry, type ResolvedEntry } from '../resolve.ts';
import { underUmask } from '../umask.ts';
import type { NetworkContext } from './context.ts';
import type { TargetSocket } from './target-socket.ts';

const SLASH = 0x2f;
/** Clocks of file systems run behind by a tick. */
const CLOCK_TICK = 20;

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
  const entry = resolveEntry(call.referral.tid, AT_FDCWD, call.path);
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
  const verdict = context.files === undefined ? PERFORM : judgeEntry(context.files, entry.path);
  const reported = { kind: 'unix-path', path: entry.path } as const;
  if (verdict.kind === 'refuse') {
    const error = entryError(entry);
    return error === undefined ? refused(referral, context, 'bind', reported, verdict.rule) : fail(error);
  }
  const before = Date.now() - CLOCK_TICK;
  const result = underUmask(call.umask, () => perform(call, entry, verdict));
  if (result === 0) register(context, entry, before);
  return allowed(referral, context, 'bind', reported, resultReply(result));
}

/**
 * The kernel keeps the path as it was given, for getsockname(2) and for whoever gets a datagram; so it should be the
 * target's own spelling. That is looked up again by the kernel, which is safe only where nothing on the way can be
 * changed meanwhile; else the bare name is given, in the directory that was judged.
 */
function perform(call: PathBind, entry: ResolvedEntry, verdict: Verdict): number {
  const { socket, address } = call;
  if (call.context.files === undefined) return bindIn(`/proc/${call.referral.tid}/cwd`, socket, address);
  // What is not the kernel's to allow is changed by nobody but us, and we are busy with this call.
  const stays = verdict.kind === 'perform' && call.path.equals(entry.path);
  if (stays) return bind(socket.descriptor, address);
  const own = call.path.includes(SLASH) ? bareName(entry) : address;
  return bindIn(`/proc/self/fd/${entry.directory}`, socket, own);
}

function bareName(entry: ResolvedEntry): Buffer {
  const address = Buffer.alloc(UNIX_PATH_OFFSET + entry.name.length);
  address.writeUInt16LE(AF_UNIX);
  address.set(entry.name, UNIX_PATH_OFFSET);
  return address;
}

/** Binds with another working directory; ours is the same again afterwards. */
function bindIn(directory: string, socket: TargetSocket, address: Buffer): number {
  const [there, here] = [openPathText(directory), openPathText('/proc/self/cwd')];
  let result = there < 0 ? there : here < 0 ? here : fchdir(there);
  if (result === 0) {
    result = bind(socket.descriptor, address);
    fchdir(here);
  }
  if (there >= 0) close(there);
  if (here >= 0) close(here);
  return result;
}

/**
 * Remembers the inode that the bind has made. Another name may have been moved over it at once, so what is there must
 * be a socket, and not older than the bind.
 */
function register(context: NetworkContext, entry: ResolvedEntry, before: number): void {
  const made = openPath(entry.directory, entry.name, O_NOFOLLOW);
  if (made < 0) return;
  const born = birthTime(made);
  const isNew = born !== undefined && born >= before;
  if (isNew && (fileMode(made) & S_IFMT) === S_IFSOCK) context.bound.addInode(made);
  else close(made);
}
