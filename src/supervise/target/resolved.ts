/** What a path was resolved to: an object, or a name in a directory, with its path as the kernel names it. */
import { Errno } from '../../linux/errno.ts';
import { pathOfDescriptor, terminated } from '../../linux/files.ts';
import { isInInterface } from '../../linux/mounts.ts';
import { close } from '../../linux/libc.ts';
import { UNREACHABLE, type Place } from '../../judge/files.ts';
import { pathOfDeepObject } from './deep-file.ts';
import { isRemoved, pathOfDeepDirectory } from './depth.ts';
import { isInView } from './mounts.ts';
import { targetStatus } from './target.ts';

const SLASH = 0x2f;

/** An open object (O_PATH); whoever got it closes it. */
export interface ResolvedObject extends Place {
  readonly kind: 'object';
  readonly descriptor: number;
  /** As the kernel names it; a copy. */
  readonly path: Buffer;
}

/** A name in an open directory (O_PATH): there may be something of that name or not. */
export interface ResolvedEntry extends Place {
  readonly kind: 'entry';
  readonly directory: number;
  /** One component, without slashes, as bytes that end in NUL. */
  readonly name: Buffer;
  /** The path had slashes behind the name: only a directory will do. */
  readonly trailingSlash: boolean;
  /** Path of the entry: that of the directory as the kernel names it, and the name. */
  readonly path: Buffer;
}

export interface ResolutionError {
  readonly kind: 'error';
  readonly errno: number;
}

export function failure(result: number): ResolutionError {
  return { kind: 'error', errno: -result };
}

/**
 * Whether the way of the path that is being resolved surely stayed in our view: from our root, by no link of /proc. Set anew
 * for each path, and asked before the next.
 */
let staysInView = false;

/** Says so of the path that is resolved next. */
export function keepInView(stays: boolean): void {
  staysInView = stays;
}

/** Describes what a descriptor of the target leads to, as an open one of ours, and takes it over. */
export function objectOf(descriptor: number): ResolvedObject | ResolutionError {
  staysInView = false;
  return describe(descriptor);
}

/** The same for what a path has led to, whose name may be known already. */
export function describe(
  descriptor: number,
  known: Buffer | number = pathOfDescriptor(descriptor),
): ResolvedObject | ResolutionError {
  const name = known === -Errno.ENAMETOOLONG ? pathOfDeepObject(descriptor) : known;
  if (typeof name === 'number' || isOurs(name)) {
    close(descriptor);
    return failure(typeof name === 'number' ? name : -Errno.EACCES);
  }
  return objectAt(descriptor, nameInView(descriptor, name));
}

function objectAt(descriptor: number, path: Buffer): ResolvedObject {
  return new ObjectAt(descriptor, path);
}

class ObjectAt implements ResolvedObject {
  readonly kind = 'object';
  readonly descriptor: number;
  readonly path: Buffer;

  constructor(descriptor: number, path: Buffer) {
    this.descriptor = descriptor;
    this.path = path;
  }

  get isInterface(): boolean {
    return isInInterface(this.descriptor);
  }
}

/** Files without a directory (memfd_create(2)) lie in a mount of their own. */
const MEMORY_FILE = Buffer.from('/memfd:');

/**
 * A copy of the name of an open file. In a mount of another namespace, which a descriptor that was handed in may lead
 * to, the kernel's own name would mean another file here; it is marked as getcwd(3) does it.
 */
function nameInView(descriptor: number, name: Buffer): Buffer {
  const isMemory = name.subarray(0, MEMORY_FILE.length).equals(MEMORY_FILE);
  return staysInView || name[0] !== SLASH || isMemory || isInView(descriptor)
    ? Buffer.from(name)
    : Buffer.concat([UNREACHABLE, name]);
}

/** Describes an object by the open directory in which it has this name, and takes both descriptors over. */
export function describeIn(
  directory: number,
  name: Uint8Array,
  descriptor: number,
): ResolvedObject | ResolutionError {
  const entry = entryIn(directory, name, false);
  if (entry.kind === 'error') {
    close(descriptor);
    return entry;
  }
  close(directory);
  return objectAt(descriptor, entry.path);
}

/** Describes a name in an open directory and takes the descriptor over. */
export function entryIn(
  directory: number,
  name: Uint8Array,
  trailingSlash: boolean,
): ResolvedEntry | ResolutionError {
  const told = pathOfDescriptor(directory);
  const found = told === -Errno.ENAMETOOLONG ? pathOfDeepDirectory(directory) : told;
  const isGone = typeof found !== 'number' && isRemoved(directory, found);
  if (typeof found === 'number' || isGone || name.length > 255) {
    close(directory);
    if (isGone) return failure(-Errno.ENOENT);
    return failure(typeof found === 'number' ? found : -Errno.ENAMETOOLONG);
  }
  const parentPath = nameInView(directory, found);
  const separator = parentPath.length === 1 ? 0 : 1;
  const path = Buffer.alloc(parentPath.length + separator + name.length);
  path.set(parentPath);
  path[parentPath.length + separator - 1] = SLASH;
  path.set(name, parentPath.length + separator);
  return {
    kind: 'entry',
    directory,
    name: terminated(name),
    trailingSlash,
    path,
    get isInterface() {
      return isInInterface(directory);
    },
  };
}

const PROC = Buffer.from('/proc/');
const IN_PROCESS = /^\/proc\/(\d+)(?:\/|$)/;

/** True for our own /proc directory and those of our threads: we may open what is in them, a target never may. */
function isOurs(path: Buffer): boolean {
  if (path.length < PROC.length || path.compare(PROC, 0, PROC.length, 0, PROC.length) !== 0) return false;
  const number = IN_PROCESS.exec(path.toString('latin1', 0, 20))?.[1];
  if (number === undefined) return false;
  const status = targetStatus(Number(number));
  return typeof status !== 'number' && status.tgid === process.pid;
}
