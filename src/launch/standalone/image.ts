/**
 * A compiled policy that the kernel holds alone: a static executable that puts it in force on itself and becomes the command.
 * It needs no Node, no service and no file but those that it has rules for. Rules name paths, which are looked up at each start.
 *
 *   file:    ELF header, program headers, address of the settings, code │ settings, and what they point at
 *   memory:  ─────────────────────────── R-X ──────────────────────────   ───────────── RW- ──────────────
 */
import { NO_CORE } from '../../linux/core-limit.ts';
import { Errno, errnoMessage } from '../../linux/errno.ts';
import type { RulesetAttributes } from '../../linux/landlock.ts';
import { INTERFACE_TYPES } from '../../linux/mounts.ts';
import { filterBlob, stringArrayBlob, stringBlob } from '../blobs.ts';
import {
  ELF_HEADER_SIZE,
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER_SIZE,
  PT_GNU_STACK,
  PT_LOAD,
  writeElfHeaders,
} from '../elf.ts';
import { layOut, type Blob } from '../image.ts';
import { SHELL } from '../rows.ts';
import { SETTINGS, STANDALONE_CODE, StandaloneMemory, type Setting } from './code.ts';

export interface StandaloneRule {
  readonly path: Buffer;
  /**
   * `whole`: the start fails where no rule can be made for it and all below, and where a symbolic link is on the way to it. A number: only a character device of that number
   * gets a rule. `any`: whatever is there gets one.
   */
  readonly must: 'whole' | 'any' | bigint;
  /** Undefined: those of a file or a directory. */
  readonly rights?: number;
  /** How the path is called where that fails: printable text. */
  readonly name?: string;
}

/** What is said of a start that fails, each the end of a line. */
export type StandaloneText =
  | 'noLandlock'
  | 'reachingSocket'
  | 'outerSupervisor'
  | 'holdsOwn'
  | 'isLink'
  | 'existsNot';

export interface StandalonePlan {
  /** What the command begins with, its name first; empty: the first argument is the name. */
  readonly words: readonly Buffer[];
  /** Bits of `Flag`. */
  readonly flags: number;
  /** The least ABI of Landlock that holds all of it. */
  readonly abi: number;
  readonly ruleset: RulesetAttributes;
  readonly rights: { readonly ofFile: number; readonly ofDirectory: number };
  readonly rules: readonly StandaloneRule[];
  /** TCP ports to allow connections to, where they are handled. */
  readonly ports: readonly number[] | undefined;
  /** What root's command keeps. */
  readonly capabilities: bigint;
  /** struct sock_filter[]. */
  readonly filter: Buffer;
  readonly texts: Readonly<Record<StandaloneText, string>>;
}

const BASE = 0x400000;
const PAGE = 0x1000;
const PROGRAM_HEADERS = 4;
const CELL_OFFSET = align(ELF_HEADER_SIZE + PROGRAM_HEADERS * PROGRAM_HEADER_SIZE, 16) + 8;
const CODE_OFFSET = CELL_OFFSET + 8;
const DATA_OFFSET = align(CODE_OFFSET + STANDALONE_CODE.length, 8);
const DATA = BASE + align(DATA_OFFSET, PAGE) + DATA_OFFSET;

/** As command.ts has it. */
const DEFAULT_PATH = '/bin:/usr/bin';
/** What execve(2) and looking up a path fail with. */
const ERRORS = [
  Errno.EPERM,
  Errno.ENOENT,
  Errno.EIO,
  Errno.E2BIG,
  Errno.ENOEXEC,
  Errno.ENOMEM,
  Errno.EACCES,
  Errno.ENOTDIR,
  Errno.EISDIR,
  Errno.EINVAL,
  Errno.EMFILE,
  Errno.ETXTBSY,
  Errno.ENAMETOOLONG,
  Errno.ELOOP,
];

/** The executable. */
export function buildStandalone(plan: StandalonePlan): Buffer {
  const settings = settingsBlob(plan);
  const { bytes } = layOut([], DATA, [settings]);
  const image = Buffer.alloc(DATA_OFFSET + bytes.length);
  writeHeaders(image);
  // The settings come first.
  image.writeBigUInt64LE(BigInt(DATA), CELL_OFFSET);
  STANDALONE_CODE.copy(image, CODE_OFFSET);
  bytes.copy(image, DATA_OFFSET);
  return image;
}

function settingsBlob(plan: StandalonePlan): Blob {
  const { ruleset, rights, texts } = plan;
  const [name] = plan.words;
  const values: Readonly<Record<Setting, Blob | number | bigint>> = {
    name: name === undefined ? 0 : stringBlob(name),
    count: plan.words.length,
    words: stringArrayBlob(plan.words),
    defaultPath: stringBlob(DEFAULT_PATH),
    nothing: stringBlob("''"),
    notFound: stringBlob(': command not found'),
    noCommand: stringBlob('no command is given: it is what comes first'),
    errors: { bytes: Buffer.concat([...ERRORS.map(errorBytes), errorText(0, ': unknown error')]) },
    abi: plan.abi,
    flags: plan.flags,
    capabilities: plan.capabilities,
    handledAccessFs: ruleset.handledAccessFs,
    handledAccessNet: ruleset.handledAccessNet,
    scoped: ruleset.scoped,
    fileRights: rights.ofFile,
    directoryRights: rights.ofDirectory,
    executable: stringBlob('/proc/self/exe'),
    mountTable: stringBlob('/proc/self/mountinfo'),
    proc: stringBlob('/proc'),
    sys: stringBlob('/sys'),
    interfaces: { bytes: Buffer.from(`${INTERFACE_TYPES.join('\0')}\0\0`) },
    paths: rulesBlob(plan.rules),
    ports: plan.ports === undefined ? 0 : wordsBlob([...plan.ports, -1]),
    softCoreLimit: NO_CORE.soft,
    hardCoreLimit: NO_CORE.hard,
    filter: filterBlob(plan.filter),
    shell: stringBlob(SHELL),
    noLandlock: stringBlob(texts.noLandlock),
    reachingSocket: stringBlob(texts.reachingSocket),
    tooLong: stringBlob(': is longer than a compiled policy reads'),
    outerSupervisor: stringBlob(texts.outerSupervisor),
    holdsOwn: stringBlob(texts.holdsOwn),
    isLink: stringBlob(texts.isLink),
    existsNot: stringBlob(texts.existsNot),
    impossible: stringBlob('the policy cannot be put in force'),
    prefix: stringBlob('secfilt: '),
    descriptorName: stringBlob('/proc/self/fd/0'),
    root: stringBlob('/'),
  };
  return wordsBlob(SETTINGS.map((setting) => values[setting]));
}

function errorBytes(errno: number): Buffer {
  return errorText(errno, `: ${errnoMessage(errno)}`);
}

function errorText(errno: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(errno), Buffer.from(text), Buffer.of(0)]);
}

function rulesBlob(rules: readonly StandaloneRule[]): Blob {
  const words = rules.flatMap(({ path, must, rights = 0, name = '' }) => [
    stringBlob(path),
    must === 'whole' ? -1 : must === 'any' ? -2 : must,
    rights,
    stringBlob(name),
  ]);
  return wordsBlob([...words, 0]);
}

/** Words of 64 bits: values, and addresses of blobs. */
function wordsBlob(words: readonly (Blob | number | bigint)[]): Blob {
  const bytes = Buffer.alloc(8 * words.length);
  const pointers: { readonly at: number; readonly to: { readonly blob: Blob } }[] = [];
  for (const [index, word] of words.entries()) {
    if (typeof word === 'object') pointers.push({ at: 8 * index, to: { blob: word } });
    else bytes.writeBigInt64LE(BigInt(word), 8 * index);
  }
  return { bytes, pointers };
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function writeHeaders(image: Buffer): void {
  const code = { offset: 0, address: BASE, fileSize: DATA_OFFSET, memorySize: DATA_OFFSET };
  const size = image.length - DATA_OFFSET;
  const data = { offset: DATA_OFFSET, address: DATA, fileSize: size, memorySize: size };
  const none = { offset: 0, address: 0, fileSize: 0, memorySize: 0 };
  const { start, end } = StandaloneMemory;
  writeElfHeaders(image, BASE + CODE_OFFSET, [
    { type: PT_LOAD, flags: PF_R | PF_X, ...code },
    { type: PT_LOAD, flags: PF_R | PF_W, ...data },
    { type: PT_LOAD, flags: PF_R | PF_W, ...none, address: start, memorySize: end - start },
    { type: PT_GNU_STACK, flags: PF_R | PF_W, ...none },
  ]);
}
