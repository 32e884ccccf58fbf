/**
 * System calls that Node's fs does not offer, made by the test process itself: to look at what a sandboxed program
 * did, from outside.
 */
import koffi from 'koffi';

const libc = koffi.load(null);

type Foreign = (...args: (number | bigint | string | Uint8Array | null)[]) => number | bigint;
const foreign = (result: string, name: string, parameters: string[]): Foreign =>
  libc.func(name, result, parameters);

const llistxattrForeign = foreign('long', 'llistxattr', ['const char *', 'void *', 'size_t']);
const lgetxattrForeign = foreign('long', 'lgetxattr', ['const char *', 'const char *', 'void *', 'size_t']);
const lsetxattrForeign = foreign('int', 'lsetxattr', [
  'const char *',
  'const char *',
  'void *',
  'size_t',
  'int',
]);
const ioctlForeign = foreign('int', 'ioctl', ['int', 'ulong', 'void *']);
const mkfifoForeign = foreign('int', 'mkfifo', ['const char *', 'uint']);
const landlockForeign = foreign('long', 'syscall', ['long', 'void *', 'size_t', 'uint']);

const LANDLOCK_CREATE_RULESET = 444;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
/** FS_IOC_GETFLAGS of linux/fs.h, 64-bit. */
const FS_IOC_GETFLAGS = 0x80086601;

/** Extended attributes of a file itself, as `name=value` sorted; empty where the file system has none. */
export function extendedAttributes(path: string): string[] {
  const names = Buffer.alloc(4096);
  const length = Number(llistxattrForeign(path, names, names.length));
  if (length <= 0) return [];
  return names
    .toString('latin1', 0, length - 1)
    .split('\0')
    .filter((name) => name.startsWith('user.'))
    .map((name) => {
      const value = Buffer.alloc(4096);
      const size = Math.max(0, Number(lgetxattrForeign(path, name, value, value.length)));
      return `${name}=${value.toString('latin1', 0, size)}`;
    })
    .toSorted();
}

export function setExtendedAttribute(path: string, name: string, value: string): boolean {
  return lsetxattrForeign(path, name, Buffer.from(value), Buffer.byteLength(value), 0) === 0;
}

/** The inode flags (chattr) of an open file; undefined where the file system has none. */
export function inodeFlags(fd: number): number | undefined {
  const flags = Buffer.alloc(8);
  return ioctlForeign(fd, FS_IOC_GETFLAGS, flags) === 0 ? flags.readUInt32LE() : undefined;
}

export function makeFifo(path: string): void {
  if (mkfifoForeign(path, 0o644) !== 0) throw new Error(`mkfifo ${path}: errno ${koffi.errno()}`);
}

/** The version of Landlock that the kernel offers; 0 for none. */
export function landlockVersion(): number {
  return Math.max(
    0,
    Number(landlockForeign(LANDLOCK_CREATE_RULESET, null, 0, LANDLOCK_CREATE_RULESET_VERSION)),
  );
}
