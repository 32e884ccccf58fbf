/**
 * Where an open file lies whose path is longer than the kernel tells of it in /proc (PATH_MAX), and to which no name leads from
 * where we stand: that of a descriptor. What can be mapped has its whole path in the list of mappings.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  PATH_MAX,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  fileMode,
} from '../../linux/files.ts';
import { close, openText } from '../../linux/libc.ts';
import { mappedName } from '../../linux/mapped-name.ts';
import { UNTOLD, pathOfDeepDirectory } from './depth.ts';

const SLASH = 0x2f;
/** A newline, or these four letters: nobody knows. */
const NEWLINE = Buffer.from('\\012');

/**
 * The path of the deepest directory above an open file that has one, and `//...` for the rest; of what has a path that is short
 * enough by now, that. A negated error number, ENAMETOOLONG, of what is neither a directory nor a file that we may read.
 */
export function pathOfDeepObject(descriptor: number): Buffer | number {
  const type = fileMode(descriptor) & S_IFMT;
  if (type === S_IFDIR) return pathOfDeepDirectory(descriptor);
  const name = type === S_IFREG ? nameOf(descriptor) : -Errno.ENAMETOOLONG;
  if (typeof name === 'number' || name.includes(NEWLINE)) return -Errno.ENAMETOOLONG;
  return name.length < PATH_MAX ? name : Buffer.concat([name.subarray(0, name.lastIndexOf(SLASH)), UNTOLD]);
}

/** What is open for writing alone, or as a place (O_PATH), is opened for reading first. */
function nameOf(descriptor: number): Buffer | number {
  const name = mappedName(descriptor);
  if (name !== -Errno.EBADF && name !== -Errno.EACCES) return name;
  const own = openText(AT_FDCWD, `/proc/self/fd/${descriptor}`, O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  if (own < 0) return own;
  const found = mappedName(own);
  close(own);
  return found;
}
