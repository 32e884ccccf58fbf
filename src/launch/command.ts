/** Which file a command's name means. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, X_OK, terminated } from '../linux/files.ts';
import { syscallMemory2 } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';

export type ResolvedCommand =
  | { readonly kind: 'found'; readonly path: Buffer }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'notExecutable'; readonly path: Buffer; readonly errno: number };

/** What execvp(3) searches when there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';
const SLASH = 0x2f;

/**
 * Looks a command up as execvp(3) does: a name with a slash is a path, any other is searched in the folders of PATH, where an
 * empty one is the current directory. A file that may not be executed is passed over for one that may.
 *
 * `cwd` is what relative paths are relative to, if not the current directory; the path found stays relative.
 */
export function resolveCommand(
  name: Buffer | string,
  pathVariable: Buffer | string | undefined,
  cwd?: string,
): ResolvedCommand {
  const word = Buffer.from(name);
  if (word.length === 0 || word.includes(0)) return { kind: 'notFound' };
  if (word.includes(SLASH)) {
    const errno = executeErrno(word, cwd);
    if (errno === 0) return { kind: 'found', path: word };
    return errno === Errno.ENOENT ? { kind: 'notFound' } : { kind: 'notExecutable', path: word, errno };
  }
  let refused: ResolvedCommand | undefined;
  const folders = Buffer.from(pathVariable ?? DEFAULT_PATH)
    .toString('latin1')
    .split(':');
  for (const folder of folders) {
    const path = Buffer.concat([Buffer.from(folder === '' ? '.' : folder, 'latin1'), Buffer.from('/'), word]);
    const errno = executeErrno(path, cwd);
    if (errno === 0) return { kind: 'found', path };
    if (errno === Errno.ENOENT || errno === Errno.ENOTDIR) continue;
    refused ??= { kind: 'notExecutable', path, errno };
    if (errno !== Errno.EACCES) break;
  }
  return refused ?? { kind: 'notFound' };
}

/** 0 when the file may be executed, or the errno that execve(2) would fail with. */
function executeErrno(path: Buffer, cwd: string | undefined): number {
  const full =
    cwd === undefined || path[0] === SLASH ? path : Buffer.concat([Buffer.from(join(cwd, '/')), path]);
  // Asked first, as it throws nothing: most folders of PATH do not have the file.
  const access = syscallMemory2(X86_64.faccessat, AT_FDCWD, terminated(full), X_OK, 0, 0);
  if (access < 0) return -access;
  try {
    return statSync(full).isFile() ? 0 : Errno.EACCES;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') return -error.errno;
    throw error;
  }
}
