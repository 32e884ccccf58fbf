/** An open object whose identity is looked up only when the judge asks for it. */
import { S_IFBLK, S_IFCHR, S_IFMT, fileMode, fstat, pathOfDescriptor } from '../../linux/files.ts';
import { isInInterface } from '../../linux/mounts.ts';
import { fileInMount, type FileInMount } from '../../linux/statx.ts';
import { UNREACHABLE, type FoundObject } from '../../judge/files.ts';
import type { Members } from '../target/members.ts';
import { isInView } from '../target/mounts.ts';
import type { ResolvedObject } from '../target/resolved.ts';
import { processOfFile } from './foreign-process.ts';

/** No inode: what cannot be looked at is equal to nothing. */
const NO_IDENTITY = -1n;
const UNKNOWN: FileInMount = { type: 0, mount: undefined };

export class OpenObject implements FoundObject {
  /** O_PATH. */
  readonly descriptor: number;
  readonly path: Buffer;
  #device: bigint | undefined;
  #characterDevice: bigint | undefined;
  #inode: bigint | undefined;
  #file: FileInMount | undefined;

  readonly #members: Members;

  constructor(descriptor: number, path: Buffer, members: Members) {
    this.descriptor = descriptor;
    this.path = path;
    this.#members = members;
  }

  get isOfMember(): boolean {
    const process = processOfFile(this);
    return process !== undefined && process > 0 && this.#members.has(process);
  }

  get isInterface(): boolean {
    return isInInterface(this.descriptor);
  }

  get device(): bigint {
    if (this.#device === undefined) this.#look();
    return this.#device ?? NO_IDENTITY;
  }

  get inode(): bigint {
    if (this.#inode === undefined) this.#look();
    return this.#inode ?? NO_IDENTITY;
  }

  get isBlockDevice(): boolean {
    return this.type === S_IFBLK;
  }

  /** S_IFREG and the like, which no file changes; 0 where it cannot be had. */
  get type(): number {
    return this.#inMount().type;
  }

  /** The number of its mount, which no other mount ever gets; undefined where there is none. */
  get mount(): number | undefined {
    return this.#inMount().mount;
  }

  /** The number of a character device, or undefined where it is none. */
  get characterDevice(): bigint | undefined {
    if (this.#device === undefined) this.#look();
    return this.#characterDevice;
  }

  /** Type and permission bits; 0, no type at all, where they cannot be had. */
  get mode(): number {
    return Math.max(fileMode(this.descriptor), 0);
  }

  /** In bytes; 0 where it cannot be had. */
  get size(): bigint {
    const status = fstat(this.descriptor);
    return typeof status === 'number' ? 0n : status.size;
  }

  #inMount(): FileInMount {
    if (this.#file === undefined) {
      const file = fileInMount(this.descriptor);
      this.#file = typeof file === 'number' ? UNKNOWN : file;
    }
    return this.#file;
  }

  #look(): void {
    const status = fstat(this.descriptor);
    if (typeof status === 'number') return;
    this.#device = status.device;
    this.#inode = status.inode;
    if ((status.mode & S_IFMT) === S_IFCHR) this.#characterDevice = status.rawDevice;
  }
}

/** What a descriptor of ours refers to; a negated error number where that has no name. It stays the caller's. */
export function objectBehind(descriptor: number, members: Members): OpenObject | number {
  const name = pathOfDescriptor(descriptor);
  if (typeof name === 'number') return name;
  const path = isInView(descriptor) ? Buffer.from(name) : Buffer.concat([UNREACHABLE, name]);
  return new OpenObject(descriptor, path, members);
}

/** Takes a resolved object over. */
export function foundObject(resolved: ResolvedObject, members: Members): OpenObject {
  return new OpenObject(resolved.descriptor, resolved.path, members);
}
