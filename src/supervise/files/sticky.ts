/**
 * What open(2) does not open with O_CREAT, though it is there and its mode would allow it: files that somebody else has put into a
 * sticky directory (proc_sys_fs(5), protected_regular and protected_fifos). An open that is performed goes to the object itself,
 * where the kernel does not look at that.
 */
import { dirname } from 'node:path';
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  fstat,
  openPath,
  readProcText,
  terminated,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import type { OpenObject } from './object.ts';

const S_ISVTX = 0o1000;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;

/** Mode and owner of a file and of its directory. */
export interface StickyCase {
  readonly directory: { readonly mode: number; readonly owner: number };
  readonly file: { readonly mode: number; readonly owner: number };
}

/** The settings of the machine, 0 to 2. */
export interface StickySettings {
  readonly regular: number;
  readonly fifos: number;
}

/** EACCES, or undefined where nothing speaks against it. */
export function stickyError(object: OpenObject, flags: number, user: number): number | undefined {
  if ((flags & O_CREAT) === 0 || object.path[0] !== 0x2f) return undefined;
  const file = fstat(object.descriptor);
  // One's own is opened in every directory, and what is opened mostly is one's own.
  if (typeof file === 'number' || file.owner === user) return undefined;
  const parent = terminated(Buffer.from(dirname(object.path.toString('latin1')), 'latin1'));
  const opened = openPath(AT_FDCWD, parent, O_DIRECTORY);
  if (opened < 0) return undefined;
  const directory = fstat(opened);
  close(opened);
  if (typeof directory === 'number' || (directory.mode & S_ISVTX) === 0) return undefined;
  const settings = { regular: setting('protected_regular'), fifos: setting('protected_fifos') };
  return isProtected({ directory, file }, user, settings) ? Errno.EACCES : undefined;
}

/** As the kernel's may_create_in_sticky. */
export function isProtected(
  { directory, file }: StickyCase,
  user: number,
  { regular, fifos }: StickySettings,
): boolean {
  const type = file.mode & S_IFMT;
  if ((directory.mode & S_ISVTX) === 0 || type === S_IFDIR) return false;
  if (file.owner === directory.owner || file.owner === user) return false;
  const level = type === S_IFREG ? regular : type === S_IFIFO ? fifos : undefined;
  if (level === 0) return false;
  if ((directory.mode & OTHERS_WRITE) !== 0) return true;
  return (directory.mode & GROUP_WRITES) !== 0 && level !== undefined && level >= 2;
}

function setting(name: string): number {
  const text = readProcText(`/proc/sys/fs/${name}`);
  return typeof text === 'number' ? 0 : Number.parseInt(text, 10);
}
