/**
 * The paths where changes are allowed, as an index: a look-up costs the same with ten thousand of them as with one.
 *
 * Whole components are compared, as bytes: `/tmp/a` does not hold `/tmp/ab`. The paths asked about come from the
 * kernel (readlink of /proc/self/fd/N), so they have no symbolic links, no `.` and no `..`.
 */
import type { PathBytes } from '../policy/policy.ts';

/** What Landlock was told about an allowed path when the sandbox started. */
export type Backing =
  /** A directory: Landlock allows every change below it. */
  | { readonly kind: 'directory' }
  /** A file or device: Landlock allows writing this one inode. */
  | { readonly kind: 'file'; readonly device: bigint; readonly inode: bigint }
  /** Landlock knows nothing of it: it did not exist, or there is no Landlock. */
  | { readonly kind: 'none' };

export interface WritablePath {
  readonly path: PathBytes;
  readonly backing: Backing;
  /** What is there may be written to, and stays: no other name, no other thing in its place, no other mode. */
  readonly fixed?: boolean;
  /** Nothing below it is meant. */
  readonly alone?: boolean;
}

/** Where a path lies. */
export type Location =
  | { readonly kind: 'outside' }
  /** An allowed path itself. */
  | { readonly kind: 'at'; readonly backing: Backing }
  /** Below an allowed path; `backed` when Landlock allows every change there. */
  | { readonly kind: 'below'; readonly backed: boolean };

const ALONE: Backing = { kind: 'none' };
const OUTSIDE: Location = { kind: 'outside' };
const BELOW_BACKED: Location = { kind: 'below', backed: true };
const BELOW_UNBACKED: Location = { kind: 'below', backed: false };

const SLASH = 0x2f;

/** Interfaces of the kernel, not files: allowed only by a path that lies in them, never by one that contains them. */
const KERNEL_TREES: readonly PathBytes[] = [Buffer.from('/proc'), Buffer.from('/sys')];

export class PathSet {
  readonly #backings = new Map<string, Backing>();
  readonly #fixed = new Set<string>();
  readonly #alone = new Set<string>();
  /** Of the longest allowed path: nothing longer need be looked for, of which a deep path has thousands. */
  readonly #longest: number;
  /** Characters are bytes (latin1). */
  readonly #interfaces: readonly string[];
  /** Grows when a backing is forgotten. */
  generation = 0;

  /** @param interfaces where interfaces of the kernel are mounted, none within another */
  constructor(paths: readonly WritablePath[], interfaces: readonly PathBytes[] = KERNEL_TREES) {
    this.#interfaces = interfaces.map((tree) => tree.toString('latin1'));
    for (const { path, backing, fixed, alone } of paths) {
      const text = path.toString('latin1');
      if (alone === true) this.#alone.add(text);
      else this.#backings.set(text, backing);
      if (fixed === true) this.#fixed.add(text);
    }
    let longest = 0;
    for (const { length } of this.#backings.keys()) longest = Math.max(longest, length);
    this.#longest = longest;
  }

  /** True for a device of everybody's: it is written to, and neither removed nor changed, whatever else is allowed. */
  isFixed(path: Uint8Array): boolean {
    return this.#fixed.has(Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1'));
  }

  /** True in the trees of the kernel's interfaces. */
  isInterface(path: Uint8Array): boolean {
    return (
      this.#interfaceLength(Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')) > 0
    );
  }

  get size(): number {
    return this.#backings.size;
  }

  /** Finds where a path lies. It must be absolute and as the kernel names it. */
  locate(path: Uint8Array): Location {
    const text = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
    const at = this.#backings.get(text) ?? (this.#alone.has(text) ? ALONE : undefined);
    const below = this.#below(text, this.#interfaceLength(text));
    // Below a backed directory Landlock allows the entry itself too, so that is the stronger answer.
    if (below === BELOW_BACKED || at === undefined) return below;
    return { kind: 'at', backing: at };
  }

  /**
   * Length of the topmost allowed directory that holds a path and that Landlock backs, or 0. The path is absolute, its
   * bytes are characters (latin1); it may be as a program wrote it.
   */
  topmostDirectory(text: string): number {
    if (this.#interfaceLength(text) > 0) return 0;
    for (let end = text.indexOf('/', 1); end > 0 && end <= this.#longest; end = text.indexOf('/', end + 1)) {
      if (this.#backings.get(text.slice(0, end))?.kind === 'directory') return end;
    }
    return 0;
  }

  /** To be told when an allowed path itself was removed or renamed: Landlock's rule went with the old inode. */
  forgetBacking(path: Uint8Array): void {
    // Most of what is removed is longer than any allowed path, of which there may be thousands.
    if (path.length > this.#longest) return;
    const text = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
    this.generation += 1;
    for (const key of this.#backings.keys()) {
      if (key === text || key.startsWith(`${text}/`)) this.#backings.set(key, { kind: 'none' });
    }
  }

  #below(text: string, shortest: number): Location {
    let found = OUTSIDE;
    const last = text.lastIndexOf('/', this.#longest);
    for (let end = last; end >= 0; end = end === 0 ? -1 : text.lastIndexOf('/', end - 1)) {
      if (end < shortest) break;
      const backing = this.#backings.get(end === 0 ? '/' : text.slice(0, end));
      if (backing?.kind === 'directory' && text.length > 1) return BELOW_BACKED;
      if (backing?.kind === 'none') found = BELOW_UNBACKED;
    }
    return found;
  }

  /** Length of the interface's tree that holds a path: allowed paths that are shorter do not count for it. */
  #interfaceLength(text: string): number {
    for (const tree of this.#interfaces) {
      if (text.startsWith(tree) && (text.length === tree.length || text.charCodeAt(tree.length) === SLASH))
        return tree.length;
    }
    return 0;
  }
}
