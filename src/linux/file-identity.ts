/** What tells one file from every other, also from one that gets its inode number later. */
import { fstat } from './files.ts';
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const AT_EMPTY_PATH = 0x1000;
/** MAX_HANDLE_SZ of fcntl.h. */
const MOST_BYTES = 128;
/** handle_bytes and handle_type before the handle itself, 32 bits each. */
const HEADER = 8;

const handle = Buffer.from(new ArrayBuffer(HEADER + MOST_BYTES));
const handleAddress = addressOf(handle);
const mount = Buffer.from(new ArrayBuffer(8));
const mountAddress = addressOf(mount);
const emptyPath = Buffer.from(new ArrayBuffer(8));
const emptyPathAddress = addressOf(emptyPath);

export interface FileIdentity {
  readonly key: string;
  /** Nothing that comes later has the same key. Otherwise that holds only while somebody keeps the file open. */
  readonly forEver: boolean;
}

/**
 * The identity of an open file (O_PATH will do); undefined where it cannot be had. A file handle holds the generation of an
 * inode beside its number (name_to_handle_at(2)); not every file system has such handles.
 */
export function fileIdentity(descriptor: number): FileIdentity | undefined {
  const status = fstat(descriptor);
  if (typeof status === 'number') return undefined;
  const number = `${status.device} ${status.inode}`;
  handle.writeUInt32LE(MOST_BYTES, 0);
  const result = syscall(
    X86_64.name_to_handle_at,
    descriptor,
    emptyPathAddress,
    handleAddress,
    mountAddress,
    AT_EMPTY_PATH,
    0,
  );
  if (result < 0) return { key: number, forEver: false };
  const length = Math.min(handle.readUInt32LE(0), MOST_BYTES);
  return { key: `${number} ${handle.toString('latin1', 4, HEADER + length)}`, forEver: true };
}
