/**
 * The compiled filter, run as the kernel runs it, against the catalogue read by a second implementation: here every
 * register rule is written down once more, in plain arithmetic and with numbers of its own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { syscallName, type SyscallName } from '../../linux/syscalls.ts';
import { compile } from '../../seccomp/compile.ts';
import { notify, trace, type Action } from '../../seccomp/expression.ts';
import type { Call } from '../../seccomp/filter.ts';
import { interpreter } from '../../seccomp/interpret.ts';
import { CATALOGUE, type CallClass, type Judge, type RegisterRule, type Restriction } from '../catalogue.ts';
import { buildFilter } from './build.ts';
import type { Situation } from './situation.ts';

const AUDIT_ARCH_X86_64 = 0xc000003e;
const FOREIGN = { i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028, none: 0, ones: 0xffffffff };
const X32_BIT = 0x40000000;
const [
  EPERM,
  EBUSY,
  EINVAL,
  ENOSYS,
  ENOPROTOOPT,
  EPROTONOSUPPORT,
  EOPNOTSUPP,
  EAFNOSUPPORT,
  ENOENT,
  ESOCKTNOSUPPORT,
] = [1, 16, 22, 38, 92, 93, 95, 97, 2, 94];

const ALLOW: Action = { kind: 'allow' };
const KILL: Action = { kind: 'kill' };
const error = (errno: number): Action => ({ kind: 'errno', errno });
const told = (errno: number): Said => ({ kind: 'told', errno });
const REFUSED = error(EPERM);

/** What a rule says of the registers; 'leave': not for it to say; 'told': refused, by the supervisor where there is one, with EPERM or this. */
type Said = Action | 'leave' | 'told' | { readonly kind: 'told'; readonly errno: number };
type Registers = readonly bigint[];

const low = (args: Registers, index: number): number => Number(BigInt.asUintN(32, args[index] ?? 0n));
const whole = (args: Registers, index: number): bigint => BigInt.asUintN(64, args[index] ?? 0n);

function opens(flags: number): Said {
  const changes = flags % 4 !== 0 || [0o100, 0o1000, 0o20000000].some((bit) => (flags & bit) !== 0);
  return changes ? 'leave' : ALLOW;
}

function node(mode: number): Said {
  const type = Math.floor(mode / 4096) % 16;
  return type === 2 || type === 6 ? 'told' : 'leave';
}

const INJECTION = [0x5412, 0x541c, 0x541d, 0x5423];
/** FIOSETOWN, SIOCSPGRP, FIOASYNC. */
const OWNERS = [0x8901, 0x8902, 0x5452];
const FILE_FLAG_COMMANDS = [0x40086602, 0x40046602, 0x40087602, 0x40047602, 0x401c5820];
const FAMILIES = [0x12, 0x4c, 0x4f, 0x58, 0x5a, 0x66, 0x6e, 0x76, 0x83, 0x94, 0x97, 0xbc, 0xcd, 0xcf, 0xf5];
/** BTRFS_IOC_SNAP_CREATE and _V2, BCH_IOCTL_SUBVOLUME_CREATE, OCFS2_IOC_REFLINK. */
const OTHER_NAMES = [0x50009401, 0x50009417, 0x4020bc10, 0x40186f04];
/** FAT_IOCTL_SET_ATTRIBUTES, OCFS2_IOC_REFLINK, HFSPLUS_IOC_BLESS, UDF_RELOCATE_BLOCKS. */
const CHANGES = [0x40047211, 0x40186f04, 0x6880, 0xc0086c43];
const READS = [
  0x125e, 0x1260, 0x1268, 0x80081270, 0x80081272, 0x1278, 0x1279, 0x127a, 0x127b, 0x800c581e, 0x801c581f,
  0x80086601, 0x80046601, 0xc020660b, 0x400c6615, 0xc0096616, 0xc0046686, 0x80087601, 0x80047601, 0x81009431,
  0x40049409, 0x4020940d, 0x4c03, 0x4c05,
];

/** All but locks of the 32-bit ABI (12 to 14), F_CANCELLK (1029), which the kernel has for itself, and what follows. */
const FCNTL_PASSES = [
  0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 16, 17, 36, 37, 38, 1024, 1025, 1026, 1027, 1028, 1030, 1031, 1032, 1033,
  1034, 1035, 1037, 1039,
];
/** F_SET_RW_HINT, F_SET_FILE_RW_HINT, F_SETDELEG. */
const FCNTL_CHANGES = [1036, 1038, 1040];

/** TIOCGPTPEER. */
const OPENS_TERMINAL = 0x5441;

const TERMINALS_CHANGED = [
  0x5402, 0x5403, 0x5404, 0x5406, 0x5407, 0x5408, 0x5409, 0x540a, 0x540b, 0x540c, 0x540d, 0x5414, 0x5416,
  0x5417, 0x5418, 0x541a, 0x541f, 0x5420, 0x5425, 0x5427, 0x5428, 0x542f, 0x402c542b, 0x402c542c, 0x402c542d,
  0x40045431, 0x40045436, 0xc0285443,
];
const TERMINALS_READ = [
  0x5401, 0x5405, 0x540e, 0x540f, 0x5410, 0x5411, 0x5413, 0x5415, 0x5419, 0x541b, 0x541e, 0x5421, 0x5422,
  0x5424, 0x5429, 0x542e, 0x5432, 0x5437, 0x5450, 0x5451, 0x5453, 0x5456, 0x5457, 0x5459, 0x545c, 0x545d,
  0x5460, 0x802c542a, 0x80045430, 0x80045432, 0x80045438, 0x80045439, 0x80045440, 0x80285442,
];
const SOUND_TIMERS = [
  0x80045400, 0xc0145401, 0x40045402, 0xc0f85403, 0x404c5404, 0xc0505405, 0x40345410, 0x80e85411, 0x40505412,
  0x80585414, 0x80605414,
];
/** TCSBRK, which waits for the end where its argument is not 0. */
const DRAINS = 0x5409;

function terminal(command: number, argument: bigint): Said {
  if (command === DRAINS && argument !== 0n) return ALLOW;
  if (command === OPENS_TERMINAL || TERMINALS_CHANGED.includes(command)) return 'leave';
  return [...TERMINALS_READ, ...SOUND_TIMERS].includes(command) ? ALLOW : 'told';
}

function ioctl(command: number, argument: bigint, situation: Situation): Said {
  const { restrictsFiles, refer, judges, restrictsReadingAlone } = situation;
  if (INJECTION.includes(command)) return 'told';
  if (OWNERS.includes(command)) return judges.has('signals') && refer !== undefined ? refer : REFUSED;
  if (!restrictsFiles)
    return restrictsReadingAlone === true && OTHER_NAMES.includes(command) ? 'told' : ALLOW;
  if (FILE_FLAG_COMMANDS.includes(command)) return 'leave';
  if (Math.floor((command % 65536) / 128) === 0x5400 / 128 && refer !== undefined)
    return terminal(command, argument);
  if (CHANGES.includes(command)) return 'told';
  const family = Math.floor(command / 256) % 256;
  return FAMILIES.includes(family) && !READS.includes(command) ? 'told' : ALLOW;
}

function socket(family: number, type: number, protocol: number): Said {
  const kind = type % 16;
  if (family === 1) return ALLOW;
  const hasUnknownFlags = ((type - kind) & ~0x80800) !== 0;
  if (family === 16) {
    if (protocol === 0) return ALLOW;
    if (kind === 2 || kind === 3) return error(EPROTONOSUPPORT);
    return error(hasUnknownFlags || kind > 10 ? EINVAL : ESOCKTNOSUPPORT);
  }
  if (family !== 2 && family !== 10)
    return error(hasUnknownFlags || (family < 46 && kind > 10) ? EINVAL : EAFNOSUPPORT);
  const protocols = kind === 1 ? [0, 6] : kind === 2 ? [0, 17, family === 2 ? 1 : 58] : [];
  if (protocols.includes(protocol)) return ALLOW;
  if (hasUnknownFlags || kind > 10) return error(EINVAL);
  if (family === 2 && kind === 10) return error(EAFNOSUPPORT);
  if (protocol > 262) return error(EINVAL);
  if (kind === 1 || kind === 2 || (kind === 3 && protocol === 0)) return error(EPROTONOSUPPORT);
  return kind === 3 ? 'told' : error(ESOCKTNOSUPPORT);
}

const OPTIONS: Readonly<Record<number, readonly number[]>> = {
  0: [3, 4, 19],
  41: [1, 3, 4, 5, 6, 32, 36, 54, 55, 57, 59, 75],
  6: [19, 20, 21, 22, 29, 31, 42],
};

/** Options that choose interface, route or source, or join a group. */
const LEADING: Readonly<Record<number, readonly number[]>> = {
  0: [15, 16, 17, 32, 35, 37, 38, 39, 41, 42, 43, 44, 46, 48, 50],
  1: [5, 25, 36, 62],
  17: [100],
  41: [9, 17, 20, 27, 34, 35, 42, 43, 44, 46, 48, 50, 76, 78],
};

/** The ranges of numbers that mean something. */
const KNOWN: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  0: [
    [1, 26],
    [32, 52],
  ],
  1: [[1, 84]],
  6: [[1, 46]],
  17: [
    [1, 1],
    [100, 104],
  ],
  41: [
    [1, 11],
    [16, 36],
    [42, 63],
    [66, 67],
    [70, 70],
    [72, 78],
  ],
  270: [[1, 12]],
};

function setsockopt(level: number, option: number, { restrictsDestinations, refer }: Situation): Said {
  if (level === 132 || level === 284 || (level === 41 && option === 1)) return told(ENOPROTOOPT);
  if (level === 6 && option === 31) return told(ENOENT);
  if (OPTIONS[level]?.includes(option) === true) return 'told';
  if (!restrictsDestinations) return ALLOW;
  if (refer !== undefined && level === 1 && (option === 2 || option === 15)) return 'leave';
  if (LEADING[level]?.includes(option) === true) return 'told';
  const known = KNOWN[level]?.some(([first, last]) => option >= first && option <= last) === true;
  return known ? ALLOW : told(ENOPROTOOPT);
}

function unshare(flags: bigint): Said {
  const known = [0x100n, 0x200n, 0x400n, 0x800n, 0x10000n, 0x40000n];
  return known.reduce((rest, bit) => rest & ~bit, flags) === 0n ? ALLOW : 'told';
}

function priority(which: number, who: number, process: number): Said {
  return which === process && who === 0 ? ALLOW : 'leave';
}

const ORACLE: Readonly<
  Record<RegisterRule, (args: Registers, situation: Situation, name: SyscallName) => Said>
> = {
  'open-flags': (args, { names, refersReads }, name) => {
    const flags = low(args, name === 'openat' ? 2 : 1);
    if (refersReads && Math.floor(flags / 0o10000000) % 2 === 0) return 'leave';
    const makes = [0o100, 0o20000000].some((bit) => Math.floor(flags / bit) % 2 === 1);
    return names === 'existing' && makes ? ALLOW : opens(flags);
  },
  'access-mode': (args, _, name) =>
    Math.floor(low(args, name === 'access' ? 1 : 2) / 2) % 2 === 1 ? 'leave' : ALLOW,
  'mknod-mode': (args, _, name) => node(low(args, name === 'mknodat' ? 2 : 1)),
  'ioctl-command': (args, situation) => ioctl(low(args, 1), whole(args, 2), situation),
  'socket-family': (args) => socket(low(args, 0), low(args, 1), low(args, 2)),
  'sendto-address': (args, { restrictsDestinations }) => {
    const [connects, leads] = [0x20000000, 4].map((bit) => Math.floor(low(args, 3) / bit) % 2 === 1);
    return whole(args, 4) === 0n && !connects && !(restrictsDestinations && leads) ? ALLOW : 'leave';
  },
  'setsockopt-option': (args, situation) => setsockopt(low(args, 1), low(args, 2), situation),
  'listen-port': (_, { restrictsDestinations, restrictsListening, refer }) =>
    restrictsListening === true || (restrictsDestinations && refer !== undefined) ? 'leave' : ALLOW,
  'receive-from': (args, { judgesNames }) =>
    judgesNames === true && whole(args, 4) !== 0n ? 'leave' : ALLOW,
  'receive-message': (_, { judgesNames }) => (judgesNames === true ? 'leave' : ALLOW),
  'getsockopt-option': (args) => (low(args, 1) === 132 ? told(ENOPROTOOPT) : ALLOW),
  'clone-flags': (args, { refer }) =>
    [0x20000, 0x800000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000].some(
      (bit) => Math.floor(low(args, 0) / bit) % 2 === 1,
    )
      ? 'told'
      : refer !== undefined &&
          Math.floor(low(args, 0) / 0x400) % 2 === 1 &&
          Math.floor(low(args, 0) / 0x10000) % 2 === 0
        ? 'leave'
        : ALLOW,
  'unshare-flags': (args) => unshare(whole(args, 0)),
  'seccomp-flags': (args, { refer }) => {
    if (refer === undefined || low(args, 0) > 1) return ALLOW;
    return low(args, 0) === 1 && Math.floor(low(args, 1) / 8) % 2 === 1 ? error(EBUSY) : 'leave';
  },
  'prctl-option': (args, { refer }) => {
    if ([28, 35, 59, 62].includes(low(args, 0))) return 'told';
    if (refer === undefined) return ALLOW;
    if (low(args, 0) === 4 && low(args, 1) === 0) return 'told';
    return [22, 24, 47].includes(low(args, 0)) ? 'leave' : ALLOW;
  },
  personality: (args) => ([0, 0x40000, 0xffffffff].includes(low(args, 0)) ? ALLOW : 'told'),
  ptrace: (_, { landlockDomain, refer }) => (landlockDomain && refer?.kind !== 'trace' ? ALLOW : 'told'),
  'kill-target': (_, { signalScope }) => (signalScope ? ALLOW : 'leave'),
  'fcntl-command': (args, { signalScope, restrictsFiles }) => {
    const [command, argument] = [low(args, 1), low(args, 2)];
    if (command === 10 || command === 15) return 'leave';
    if (command === 4 && Math.floor(argument / 0x2000) % 2 === 1) return 'leave';
    if (command === 8) return !signalScope || argument > 0x7fff_ffff ? 'leave' : ALLOW;
    if (!restrictsFiles || FCNTL_PASSES.includes(command)) return ALLOW;
    return FCNTL_CHANGES.includes(command) ? 'told' : told(EINVAL);
  },
  'core-limit': (args, { withoutCores }) => (withoutCores && low(args, 0) === 4 ? error(0) : ALLOW),
  'prlimit-target': (args, { withoutCores }) => {
    if (whole(args, 2) === 0n) return ALLOW;
    const isOwn = low(args, 0) === 0;
    if (!isOwn) return 'leave';
    return withoutCores && low(args, 1) === 4 ? (whole(args, 3) === 0n ? error(0) : REFUSED) : ALLOW;
  },
  'group-joined': (args, { ownSession }) => {
    const [pid, group] = [low(args, 0), low(args, 1)];
    return ownSession === true || group === 0 || group >= 2 ** 31 || (group === pid && pid < 4194304)
      ? ALLOW
      : 'leave';
  },
  'setpriority-target': (args) => priority(low(args, 0), low(args, 1), 0),
  'ioprio-target': (args) => priority(low(args, 0), low(args, 1), 1),
  'sched-target': (args) => (low(args, 0) === 0 ? ALLOW : 'leave'),
  'pages-target': (args) => (low(args, 0) === 0 ? ALLOW : 'told'),
};

function holds(
  when: Restriction | undefined,
  { restrictsFiles, names, refersReads, restrictsNetwork, landlockDomain, refer }: Situation,
): boolean {
  if (when === undefined) return true;
  if (when === 'names') return names === 'all';
  if (when === 'reads') return refersReads;
  if (when === 'queues') return restrictsFiles || (landlockDomain && refer !== undefined);
  return (restrictsFiles && when !== 'network') || (restrictsNetwork && when !== 'files');
}

/** Without a judge of addresses: which sockets are made, and that no call on them connects by the way. */
function unjudged(name: SyscallName, args: Registers, situation: Situation): Action | undefined {
  const { sockets, restrictsNetwork } = situation;
  if (sockets === undefined) return undefined;
  const [family, type] = [low(args, 0), low(args, 1) % 16];
  const mainstream = (): Action => {
    const said = restrictsNetwork ? socket(family, low(args, 1), low(args, 2)) : ALLOW;
    return typeof said === 'string' || said.kind === 'told' ? REFUSED : said;
  };
  const fastOpen = (index: number): Action =>
    sockets !== 'any' && Math.floor(low(args, index) / 0x20000000) % 2 === 1 ? REFUSED : ALLOW;
  if (name === 'socket') {
    const datagrams = sockets !== 'any' && (family === 2 || family === 10) && type !== 1;
    return family === 1 || datagrams ? REFUSED : mainstream();
  }
  if (name === 'socketpair') return family !== 1 ? mainstream() : type === 1 || type === 5 ? ALLOW : REFUSED;
  if (name === 'connect') return sockets === 'none' ? REFUSED : ALLOW;
  if (name === 'bind') return ALLOW;
  if (name === 'listen' && situation.restrictsListening === true) return REFUSED;
  if (name === 'sendmsg') return fastOpen(2);
  return name === 'sendto' || name === 'sendmmsg' ? fastOpen(3) : undefined;
}

function catalogueSays(name: SyscallName, entry: CallClass, args: Registers, situation: Situation): Action {
  const withoutJudge = unjudged(name, args, situation);
  if (withoutJudge !== undefined) return withoutJudge;
  const looksInside = name === 'process_vm_readv' || name === 'pidfd_getfd';
  if (looksInside && situation.refer === undefined && situation.landlockDomain) return ALLOW;
  const referred = (judge: Judge | undefined): Action => {
    if (judge !== undefined && situation.kernelDecides?.has(judge) === true) return ALLOW;
    return judge !== undefined && situation.judges.has(judge) ? (situation.refer ?? REFUSED) : REFUSED;
  };
  const toldWith = (errno: number): Action =>
    situation.refer !== undefined && situation.judges.has('refusals') ? situation.refer : error(errno);
  const byRule = (said: Exclude<Said, 'leave'>): Action =>
    said === 'told' ? toldWith(1) : said.kind === 'told' ? toldWith(said.errno) : said;
  switch (entry.kind) {
    case 'harmless':
      return ALLOW;
    case 'absent':
      return error(ENOSYS);
    case 'refused':
      if (!holds(entry.when, situation)) return ALLOW;
      return toldWith(entry.errno === 'EPERM' ? 1 : EOPNOTSUPP);
    case 'registers': {
      if (!holds(entry.when, situation)) return ALLOW;
      const said = ORACLE[entry.rule](args, situation, name);
      if (said !== 'leave') return byRule(said);
      return entry.judge === undefined ? toldWith(1) : referred(entry.judge);
    }
    case 'referred': {
      const said = entry.rule === undefined ? 'leave' : ORACLE[entry.rule](args, situation, name);
      if (said !== 'leave') return byRule(said);
      return holds(entry.when, situation) ? referred(entry.judge) : ALLOW;
    }
  }
}

/** Values near which rules turn: every bit, and the numbers that some rule names. */
const EDGES: readonly bigint[] = [
  ...Array.from({ length: 32 }, (_, bit) => 1n << BigInt(bit)),
  ...[0, 3, 5, 6, 8, 10, 12, 15, 16, 17, 19, 22, 24, 28, 31, 35, 41, 47, 54, 57, 58, 59, 62, 132, 284].map(
    BigInt,
  ),
  ...[...INJECTION, ...OWNERS, ...FILE_FLAG_COMMANDS, ...READS, ...CHANGES, ...OTHER_NAMES].map(BigInt),
  ...FAMILIES.map((family) => BigInt(family * 256 + 7)),
  ...[0o2000, 0o101, 0o1101, 0o20200000, 0x6100, 0x2100, 0x3100, 0x80001, 0x20000008, 0x9].map(BigInt),
  0xffff_ffffn,
  0x7fff_ffffn,
  0xffff_ff9cn,
];
/** In the upper half of a register, where an int has no bits. */
const GARBAGE: readonly bigint[] = [0n, 1n, 0xdead_beefn, 0xffff_ffffn];

/** A small generator of its own, so that a failure can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

function samples(number: number, count: number): Registers[] {
  const next = random(number + 1);
  const edge = (): bigint => EDGES[next() % EDGES.length] ?? 0n;
  const high = (): bigint => (GARBAGE[(next() >>> 8) % GARBAGE.length] ?? 0n) << 32n;
  return Array.from({ length: count }, () => Array.from({ length: 6 }, () => edge() | high()));
}

/** Every edge in one place, in turn, with zeros and with garbage elsewhere. */
function sweeps(): Registers[] {
  return [0, 1, 2, 3, 4].flatMap((place) =>
    EDGES.flatMap((edge) =>
      [0n, 0xdead_beef_0000_0000n].map((rest) =>
        Array.from({ length: 6 }, (_, index) => (index === place ? edge | rest : rest)),
      ),
    ),
  );
}

/** Every value of one register with every value of the others, and garbage above: for rules that look at several. */
function crossing(...places: readonly (readonly number[])[]): Registers[] {
  let rows: Registers[] = [[]];
  for (const values of places)
    rows = rows.flatMap((row) => values.map((value) => [...row, BigInt(value) | (0xdeadn << 32n)]));
  return rows.map((row) => Array.from({ length: 6 }, (_, index) => row[index] ?? 0n));
}

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, value) => value);
const LOW_EDGES = EDGES.map(Number);
const SOCKETS = crossing(
  upTo(47),
  [0, 1, 2, 3, 4, 5, 6, 10, 0x801, 0x80002, 0x80003],
  [0, 1, 2, 6, 17, 33, 58, 132, 136, 255, 256, 262],
);
const OPTION_PAIRS = crossing([0], [0, 1, 6, 17, 41, 58, 132, 255, 270, 284], [...upTo(110), 0x7fff_ffff]);
const WHO = crossing([0, 1, 2, 3, 4], [0, 1, 77, 0xffff_ffff]);

const NUMBERS = [...LOW_EDGES, ...upTo(40), 0x3f_ffff, 0x15_5555, 0x2a_aaaa, 0x40_0001, 0x8000_0005];

/** Calls of which more than one register counts. */
const CROSSINGS: Readonly<Partial<Record<SyscallName, readonly Registers[]>>> = {
  fcntl: [
    ...crossing([0], [4, 8, 10, 15], LOW_EDGES),
    ...crossing([0], [...upTo(64), ...upTo(48).map((n) => 1000 + n), 0x8000_0004], [0, 0x2000]),
  ],
  sendto: crossing([3], [0], [0], [...LOW_EDGES, 4, 0x2000_0004], [0, 0x7000]),
  socket: SOCKETS,
  socketpair: SOCKETS,
  setsockopt: OPTION_PAIRS,
  getsockopt: OPTION_PAIRS,
  seccomp: crossing([0, 1, 2, 3], upTo(64)),
  prctl: crossing(upTo(80), [0, 1, 2, 0xffff_ffff]),
  setpgid: crossing(NUMBERS, NUMBERS),
  setpriority: WHO,
  ioprio_set: WHO,
  prlimit64: crossing([0, 1, 77], [0, 4, 5], [0, 1], [0, 1]),
  setrlimit: crossing([0, 3, 4, 5]),
};

const SWEEPS = sweeps();
const ALL_JUDGES: readonly Judge[] = [
  'files',
  'metadata',
  'network',
  'signals',
  'processes',
  'ipc',
  'credentials',
  'refusals',
];

function situations(): [string, Situation][] {
  const result: [string, Situation][] = [];
  for (const [restrictsFiles, restrictsNetwork, restrictsDestinations, names] of [
    [true, false, false, 'all'],
    [false, true, false, 'existing'],
    [false, true, true, 'all'],
    [true, true, true, 'all'],
    [false, false, false, 'existing'],
  ] as const) {
    for (const [landlockDomain, signalScope] of [
      [true, true],
      [true, false],
      [false, false],
    ] as const) {
      for (const refer of [notify, trace(7), undefined]) {
        const policy =
          `${restrictsFiles ? 'files ' : ''}${restrictsNetwork ? 'network ' : ''}${restrictsDestinations ? 'destinations' : ''}` ||
          'nothing';
        const landlock = signalScope
          ? 'Landlock'
          : landlockDomain
            ? 'Landlock without scopes'
            : 'no Landlock';
        result.push([
          `${policy}, ${landlock}, ${refer?.kind ?? 'no supervisor'}`,
          {
            restrictsFiles,
            names,
            refersReads: false,
            withoutCores: restrictsFiles && !landlockDomain,
            restrictsNetwork,
            restrictsDestinations,
            landlockDomain,
            signalScope,
            refer,
            judges: new Set(ALL_JUDGES),
          },
        ]);
      }
    }
  }
  const first = result[0]?.[1];
  assert.ok(first !== undefined);
  result.push(['files, reading', { ...first, refersReads: true }]);
  const readingAlone = { restrictsFiles: false, names: 'existing', restrictsReadingAlone: true } as const;
  result.push(['reading alone', { ...first, ...readingAlone }]);
  const listening = { restrictsNetwork: true, restrictsListening: true } as const;
  result.push(['network, where to listen', { ...first, ...listening }]);
  const byName = { restrictsNetwork: true, restrictsDestinations: true, judgesNames: true } as const;
  result.push(['network by names', { ...first, ...byName }]);
  result.push(['files, only the judge of files', { ...first, judges: new Set<Judge>(['files']) }]);
  const alone = { refer: undefined, judges: new Set<Judge>(), ownSession: true } as const;
  result.push(['files, the kernel alone, in a session of its own', { ...first, ...alone, sockets: 'any' }]);
  for (const restrictsNetwork of [false, true]) {
    for (const sockets of ['any', 'tcp', 'none'] as const) {
      const alone = {
        refer: undefined,
        judges: new Set<Judge>(),
        kernelDecides: new Set<Judge>(['files', 'credentials']),
      };
      const title = `files${restrictsNetwork ? ' network' : ''}, the kernel alone, sockets: ${sockets}`;
      result.push([
        title,
        { ...first, ...alone, restrictsNetwork, restrictsDestinations: restrictsNetwork, sockets },
      ]);
    }
  }
  result.push([
    'files network, the kernel alone, nobody listens',
    { ...first, ...alone, ...listening, sockets: 'tcp' },
  ]);
  return result;
}

function asCall(number: number, args: Registers, architecture = AUDIT_ARCH_X86_64): Call {
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = args;
  return { architecture, number, args: [a, b, c, d, e, f] };
}

describe('the compiled filter says what the catalogue says', () => {
  for (const [title, situation] of situations()) {
    test(`restricted: ${title}`, () => {
      const say = interpreter(compile(buildFilter(situation)));
      const seen = new Map<string, number>();
      const check = (number: number, args: Registers, expected: Action): void => {
        const said = say(asCall(number, args));
        if (!sameAction(said, expected)) {
          const words = args.map((value) => `0x${value.toString(16)}`).join(', ');
          assert.deepEqual(said, expected, `call ${number} (${syscallName(number) ?? '?'}) ${words}`);
        }
        seen.set(expected.kind, (seen.get(expected.kind) ?? 0) + 1);
      };
      for (let number = 0; number <= 700; number += 1) {
        const name = syscallName(number);
        if (name === undefined) {
          for (const args of samples(number, 3)) check(number, args, error(ENOSYS));
          continue;
        }
        const entry = CATALOGUE[name];
        const looksAtRegisters = 'rule' in entry || ('judge' in entry && entry.judge === 'network');
        const all = looksAtRegisters
          ? [...SWEEPS, ...(CROSSINGS[name] ?? []), ...samples(number, 200)]
          : samples(number, 4);
        for (const args of all) check(number, args, catalogueSays(name, entry, args, situation));
      }
      const refusals = (seen.get('errno') ?? 0) + (seen.get(situation.refer?.kind ?? 'errno') ?? 0);
      assert.ok((seen.get('allow') ?? 0) > 1000 && refusals > 1000);
      if (situation.refer !== undefined) assert.ok((seen.get(situation.refer.kind) ?? 0) > 100);
    });
  }

  test('numbers of the x32 ABI, negative and huge ones do not exist', () => {
    for (const [title, situation] of situations()) {
      const say = interpreter(compile(buildFilter(situation)));
      const numbers = [0xffff_ffff, 0x8000_0000, 0x7fff_ffff, X32_BIT - 1, 1000, 65536];
      for (let number = 0; number <= 700; number += 1) numbers.push((number | X32_BIT) >>> 0);
      for (const number of numbers) {
        for (const args of samples(number, 2)) {
          assert.deepEqual(say(asCall(number, args)), error(ENOSYS), `${title}: ${number}`);
        }
      }
    }
  });

  test('calls of another architecture are fatal', () => {
    for (const [title, situation] of situations()) {
      const say = interpreter(compile(buildFilter(situation)));
      for (const [name, architecture] of Object.entries(FOREIGN)) {
        for (let number = 0; number <= 700; number += 1) {
          const [args = []] = samples(number, 1);
          assert.deepEqual(say(asCall(number, args, architecture)), KILL, `${title}: ${name} ${number}`);
        }
      }
    }
  });
});

function sameAction(a: Action, b: Action): boolean {
  if (a.kind === 'errno') return b.kind === 'errno' && a.errno === b.errno;
  if (a.kind === 'trace') return b.kind === 'trace' && a.data === b.data;
  return a.kind === b.kind;
}
