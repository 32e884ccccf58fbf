/**
 * One thread makes a call again and again while another changes what the call means. Prints how often it succeeded and
 * which errors it met. Arguments: the kind of race, the directory, milliseconds; `both`: on a slow machine it goes on for a
 * while until a call has succeeded and one was refused.
 *
 * The directory holds `a` (allowed) and `o` (forbidden), each with a file `f`; `a/d` is a directory with a file `f` and
 * `a/l` a symbolic link to `o`.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import koffi from 'koffi';

const libc = koffi.load(null);
const foreign: (...args: (number | bigint)[]) => number = libc.func('syscall', 'long', [
  'long',
  ...Array<string>(6).fill('intptr_t'),
]);

/** The result of a call, or the negated error number. */
function syscall(...args: (number | bigint)[]): number {
  const result = foreign(...args);
  return result === -1 ? -koffi.errno() : result;
}

const Call = {
  open: 2,
  write: 1,
  close: 3,
  dup2: 33,
  truncate: 76,
  chdir: 80,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  unlink: 87,
  chmod: 90,
  utimensat: 280,
  renameat2: 316,
  openat: 257,
  openat2: 437,
} as const;
const CWD = -100;
const TRUNCATE = 0o1000;
const WRITE = TRUNCATE | 1;
/** The access mode that opens for neither reading nor writing. */
const NEITHER = 3;
const EXCHANGE = 2;
const DIRECTORY = 0o200000;
const EPERM = 1;
/** Milliseconds that `both` waits at most. */
const PATIENCE = 30_000;

interface Shared {
  readonly kind: string;
  readonly root: string;
  readonly memory: SharedArrayBuffer;
  readonly until: number;
}

/** Texts whose memory both threads see. The first byte of `path` at `flip` is `a` or `o`. */
const SIZE = 1024;
const PATH = 0;
const HOW = SIZE;

const kept: Uint8Array[] = [];
function text(value: string): bigint {
  const bytes = Buffer.alloc(Buffer.byteLength(value) + 1);
  bytes.write(value);
  kept.push(bytes);
  return koffi.address(bytes);
}

interface Race {
  /** The text in shared memory whose byte after the root is flipped; none where the flipper makes calls instead. */
  readonly path?: (root: string) => string;
  readonly flip: (shared: Shared) => () => void;
  readonly attempt: (shared: Shared) => () => number;
}

function flipLetter({ memory, root }: Shared): () => void {
  const bytes = new Uint8Array(memory);
  const place = root.length + 1;
  const [a, o] = [0x61, 0x6f];
  return () => {
    for (let turn = 0; turn < 500; turn += 1) Atomics.store(bytes, place, turn % 2 === 0 ? a : o);
  };
}

function pathAddress({ memory }: Shared): bigint {
  return koffi.address(new Uint8Array(memory, PATH));
}

/** Success leaves a mark in the file, for the effect to see. */
function markAndClose(fd: number): number {
  if (fd < 0) return fd;
  syscall(Call.write, fd, text('!'), 1, 0, 0, 0);
  return syscall(Call.close, fd, 0, 0, 0, 0, 0);
}

function swapDirectory({ root }: Shared): () => void {
  const [directory, link] = [text(`${root}/a/d`), text(`${root}/a/l`)];
  const never = new Int32Array(new SharedArrayBuffer(4));
  return () => {
    syscall(Call.renameat2, CWD, directory, CWD, link, EXCHANGE, 0);
    // Two swaps to an attempt, in step, as threads on one processor may fall into, would show it one side only.
    if (Math.random() < 0.02) Atomics.wait(never, 0, 0, 1);
  };
}

/** Another thread changes the flags in struct open_how while the path stays. */
function flipFlags(one: number, other: number): Race['flip'] {
  return ({ memory }) => {
    const how = new BigUint64Array(memory, HOW, 3);
    const [first, second] = [BigInt(one), BigInt(other)];
    return () => {
      for (let turn = 0; turn < 500; turn += 1) Atomics.store(how, 0, turn % 2 === 0 ? first : second);
    };
  };
}

function attemptOpen(flags: number): Race['attempt'] {
  return (shared) => {
    const path = pathAddress(shared);
    return () => markAndClose(syscall(Call.open, path, flags, 0, 0, 0, 0));
  };
}

const attemptOpenat2: Race['attempt'] = (shared) => {
  const path = pathAddress(shared);
  const how = koffi.address(new Uint8Array(shared.memory, HOW));
  return () => markAndClose(syscall(Call.openat2, CWD, path, how, 24, 0, 0));
};

const letterPath = (root: string) => `${root}/a/f`;

const races: Readonly<Record<string, Race>> = {
  open: { path: letterPath, flip: flipLetter, attempt: attemptOpen(WRITE) },
  'open-read-truncate': { path: letterPath, flip: flipLetter, attempt: attemptOpen(TRUNCATE) },
  'open-neither-truncate': { path: letterPath, flip: flipLetter, attempt: attemptOpen(TRUNCATE | NEITHER) },
  truncate: {
    path: letterPath,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      return () => syscall(Call.truncate, path, 0, 0, 0, 0, 0);
    },
  },
  create: {
    path: (root) => `${root}/a/new`,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      const made = text(`${shared.root}/a/new`);
      return () => {
        const result = markAndClose(syscall(Call.open, path, WRITE | 0o300, 0o644, 0, 0, 0));
        syscall(Call.unlink, made, 0, 0, 0, 0, 0);
        return result;
      };
    },
  },
  openat2: { path: (root) => `${root}/o/f`, flip: flipFlags(0, WRITE), attempt: attemptOpenat2 },
  'openat2-truncate': {
    path: (root) => `${root}/o/f`,
    flip: flipFlags(0, TRUNCATE),
    attempt: attemptOpenat2,
  },
  chmod: {
    path: letterPath,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      return () => syscall(Call.chmod, path, 0o600, 0, 0, 0, 0);
    },
  },
  utime: {
    path: letterPath,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      return () => syscall(Call.utimensat, CWD, path, 0, 0, 0, 0);
    },
  },
  mkdir: {
    path: (root) => `${root}/a/made`,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      const made = text(`${shared.root}/a/made`);
      return () => {
        const result = syscall(Call.mkdir, path, 0o755, 0, 0, 0, 0);
        syscall(Call.rmdir, made, 0, 0, 0, 0, 0);
        return result;
      };
    },
  },
  rename: {
    path: letterPath,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      const [moved, home] = [text(`${shared.root}/a/moved`), text(`${shared.root}/a/f`)];
      return () => {
        const result = syscall(Call.rename, path, moved, 0, 0, 0, 0);
        syscall(Call.rename, moved, home, 0, 0, 0, 0);
        return result;
      };
    },
  },
  'rename-target': {
    path: (root) => `${root}/a/moved`,
    flip: flipLetter,
    attempt: (shared) => {
      const path = pathAddress(shared);
      const [moved, home] = [text(`${shared.root}/a/moved`), text(`${shared.root}/a/f`)];
      return () => {
        const result = syscall(Call.rename, home, path, 0, 0, 0, 0);
        syscall(Call.rename, moved, home, 0, 0, 0, 0);
        return result;
      };
    },
  },
  'link-swap-open': {
    flip: swapDirectory,
    attempt: ({ root }) => {
      const path = text(`${root}/a/d/f`);
      return () => markAndClose(syscall(Call.open, path, WRITE, 0, 0, 0, 0));
    },
  },
  'link-swap-chmod': {
    flip: swapDirectory,
    attempt: ({ root }) => {
      const path = text(`${root}/a/d/f`);
      return () => syscall(Call.chmod, path, 0o600, 0, 0, 0, 0);
    },
  },
  'link-swap-mkdir': {
    flip: swapDirectory,
    attempt: ({ root }) => {
      const path = text(`${root}/a/d/made`);
      return () => {
        const result = syscall(Call.mkdir, path, 0o755, 0, 0, 0, 0);
        syscall(Call.rmdir, path, 0, 0, 0, 0, 0);
        return result;
      };
    },
  },
  'descriptor-swap': {
    flip: ({ root }) => {
      const [a, o] = ['a', 'o'].map((name) =>
        syscall(Call.open, text(`${root}/${name}`), DIRECTORY, 0, 0, 0, 0),
      );
      return () => {
        syscall(Call.dup2, a ?? -1, 100, 0, 0, 0, 0);
        syscall(Call.dup2, o ?? -1, 100, 0, 0, 0, 0);
      };
    },
    attempt: () => {
      const path = text('f');
      return () => markAndClose(syscall(Call.openat, 100, path, WRITE, 0, 0, 0));
    },
  },
  'directory-swap': {
    flip: ({ root }) => {
      const [a, o] = [text(`${root}/a`), text(`${root}/o`)];
      return () => {
        syscall(Call.chdir, a, 0, 0, 0, 0, 0);
        syscall(Call.chdir, o, 0, 0, 0, 0, 0);
      };
    },
    attempt: () => {
      const path = text('f');
      return () => markAndClose(syscall(Call.open, path, WRITE, 0, 0, 0, 0));
    },
  },
};

function raceOf(kind: string): Race {
  const race = races[kind];
  if (race === undefined) throw new Error(`no race is called ${kind}`);
  return race;
}

if (isMainThread) {
  const [kind = '', root = '', milliseconds = '0', ends = ''] = process.argv.slice(2);
  const race = raceOf(kind);
  const memory = new SharedArrayBuffer(2 * SIZE);
  new Uint8Array(memory).set(Buffer.from(race.path?.(root) ?? ''), PATH);
  const shared: Shared = { kind, root, memory, until: Date.now() + Number(milliseconds) + 2 * PATIENCE };
  const flipper = new Worker(new URL(import.meta.url), { workerData: shared });
  flipper.once('message', () => {
    const attempt = race.attempt(shared);
    const errors: Record<string, number> = {};
    let succeeded = 0;
    const end = Date.now() + Number(milliseconds);
    const latest = ends === 'both' ? end + PATIENCE : end;
    const goesOn = (now: number): boolean =>
      now < end || (now < latest && (succeeded === 0 || errors[EPERM] === undefined));
    while (goesOn(Date.now())) {
      const result = attempt();
      if (result >= 0) succeeded += 1;
      else errors[-result] = (errors[-result] ?? 0) + 1;
    }
    console.log(JSON.stringify({ succeeded, errors }));
    process.exit(0);
  });
} else {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made above
  const shared = workerData as Shared;
  const flip = raceOf(shared.kind).flip(shared);
  flip();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage('flipping');
  while (Date.now() < shared.until) flip();
}
