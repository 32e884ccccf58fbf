/** The error of a path in the arguments of a call that is refused (path_resolution(7)). */
import { Errno } from '../../linux/errno.ts';
import { AT_FDCWD, PATH_MAX, S_IFDIR, S_IFMT, fileMode } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import type { Referral } from '../referral.ts';
import type { Members } from '../target/members.ts';
import { resolveObject } from '../target/resolve.ts';
import type { ResolutionError, ResolvedObject } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, readPath } from '../target/target.ts';

const path = arena(PATH_MAX);

export interface PathArgument {
  /** Which argument holds its address. */
  readonly index: number;
  /** Where it begins; as a rule in the working directory. */
  readonly start?: number;
  readonly follow?: boolean;
  /** Only a directory will do. */
  readonly directory?: boolean;
  /** An empty one means `start` itself (AT_EMPTY_PATH). */
  readonly mayBeEmpty?: boolean;
}

/** What a path leads to; whoever asked closes it. */
export function openPathArgument(
  referral: Referral,
  members: Members,
  { index, start = AT_FDCWD, follow = true, mayBeEmpty = false }: PathArgument,
): Pick<ResolvedObject, 'kind' | 'descriptor'> | ResolutionError {
  const { tid } = referral;
  const length = readPath(tid, referral.pointer(index), path);
  if (length < 0) return { kind: 'error', errno: -length };
  if (length > 0 || !mayBeEmpty) {
    return resolveObject(tid, members, start, path.bytes.subarray(0, length), follow);
  }
  if (start === AT_FDCWD) return resolveObject(tid, members, start, Buffer.from('.'), true);
  const descriptor = openTargetDescriptor(tid, start);
  return descriptor < 0 ? { kind: 'error', errno: -descriptor } : { kind: 'object', descriptor };
}

/** Undefined: it leads somewhere. */
export function pathError(referral: Referral, members: Members, argument: PathArgument): number | undefined {
  const found = openPathArgument(referral, members, argument);
  if (found.kind === 'error') return found.errno;
  const isDirectory = (fileMode(found.descriptor) & S_IFMT) === S_IFDIR;
  close(found.descriptor);
  return argument.directory === true && !isDirectory ? Errno.ENOTDIR : undefined;
}
