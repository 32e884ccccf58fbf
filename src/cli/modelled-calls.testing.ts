/** Calls for tests: what a program asks for, how the judge decides it, and what is told of it. */
import * as fc from 'fast-check';
import { asksForSource, type InternetProtocol } from '../judge/destination.ts';
import { DeniedPlaces } from '../judge/denied-places.ts';
import {
  type FileRules,
  isAllowedPath,
  judgeCreate,
  judgeEntry,
  judgeLink,
  judgeMetadata,
  judgeOpen,
  judgeRemoval,
} from '../judge/files.ts';
import { judgeEntries, judgeSecondName } from '../judge/two-places.ts';
import { NetworkRules } from '../judge/network.ts';
import { OwnDirectories } from '../judge/own-directories.ts';
import { PathSet } from '../judge/path-set.ts';
import type { Place } from '../judge/place.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import { PERFORM, type Verdict } from '../judge/verdict.ts';
import { splitPath } from '../policy/paths.ts';
import type { AddressBytes, PathBytes, Policy, Port } from '../policy/policy.ts';
import type { NewEntry, Operation, ReferralEvent, ReportedObject } from '../report/event.ts';

/** How a name comes about: the same in every run, or made up anew in each. */
export interface Name {
  readonly next: () => Buffer;
  readonly isMadeUp: boolean;
}

/** Directories that there are. */
export const DIRECTORIES = [
  '/srv',
  '/srv/p',
  '/srv/p/q',
  '/home/ann',
  '/home/ann/w',
  '/tmp',
  '/var/tmp',
  '/tmp/theirs',
  '/etc',
  '/run/x',
  '/proc/sys',
  '/mnt/root/sys',
];
const INTERFACES = ['/proc', '/sys', '/mnt/root/sys'].map((path) => Buffer.from(path));
const ROOT_LENGTH = 1;

interface InDirectory {
  readonly directory: string;
  readonly name: Name;
}

export type ModelledCall =
  | { readonly kind: 'write' | 'change' | 'remove'; readonly at: InDirectory }
  | { readonly kind: 'nameless'; readonly directory: string }
  /** What the kernel calls something that has no name in the file system. */
  | { readonly kind: 'unnamed'; readonly path: PathBytes }
  | { readonly kind: 'create'; readonly at: InDirectory; readonly entry: NewEntry | undefined }
  | { readonly kind: 'bind'; readonly at: InDirectory }
  | {
      readonly kind: 'rename' | 'link';
      readonly from: InDirectory;
      readonly to: InDirectory;
      readonly isLink: boolean;
    }
  | { readonly kind: 'unix-path'; readonly at: InDirectory }
  | { readonly kind: 'unix-abstract'; readonly name: Buffer }
  | {
      readonly kind: 'internet';
      readonly operation: 'connect' | 'send';
      readonly address: AddressBytes;
      readonly port: Port;
      readonly protocol: InternetProtocol;
    };

/** What comes of a call under a policy; the event as it is reported. */
export function attempt(
  call: ModelledCall,
  policy: Policy,
): { readonly verdict: Verdict; readonly event: ReferralEvent } {
  const { verdict, operation, object } = decide(call, policy);
  const rule = verdict.kind === 'refuse' ? verdict.rule : '';
  const isRefused = verdict.kind === 'refuse';
  const event: ReferralEvent = {
    time: 0,
    tid: process.pid,
    call: 'call',
    operation,
    object,
    verdict: isRefused ? 'refused' : 'allowed',
    errno: isRefused ? 1 : 0,
    layer: 'supervisor',
    rule,
  };
  return { verdict, event };
}

interface Decision {
  readonly verdict: Verdict;
  readonly operation: Operation;
  readonly object: ReportedObject;
}

function decide(call: ModelledCall, policy: Policy): Decision {
  if (call.kind === 'internet') return decideInternet(call, policy);
  const unix = new UnixRules(policy.unixSockets, policy.anyUnixSocket);
  if (call.kind === 'unix-abstract') {
    const { name } = call;
    return {
      verdict: unix.judgeName(name, false),
      operation: 'connect',
      object: { kind: 'unix-abstract', name },
    };
  }
  if (call.kind !== 'unix-path') return decideFile(call, policy);
  const path = pathOf(call.at);
  return { verdict: unix.judgePath(path, false), operation: 'connect', object: { kind: 'unix-path', path } };
}

function decideInternet(
  { operation, address, port: asked, protocol }: Extract<ModelledCall, { kind: 'internet' }>,
  policy: Policy,
): Decision {
  const rules = new NetworkRules(policy.network);
  const isQuestion = operation === 'connect' && asksForSource(protocol, asked);
  const port =
    isQuestion && rules.judge(address, asked, protocol).kind === 'refuse'
      ? (rules.allowedPort(address, 'udp') ?? asked)
      : asked;
  return {
    verdict: rules.judge(address, port, protocol),
    operation,
    object: { kind: 'address', address, port, protocol },
  };
}

type FileCall = Exclude<ModelledCall, { kind: 'internet' | 'unix-path' | 'unix-abstract' }>;

const WRITING = { writes: true, makesNameless: false, truncatesUnwritten: false };
const NAMELESS = { writes: false, makesNameless: true, truncatesUnwritten: false };

function decideFile(call: FileCall, policy: Policy): Decision {
  const free = new Set<string>();
  const rules = rulesOf(policy, free);
  switch (call.kind) {
    case 'write':
    case 'change':
    case 'remove': {
      const place = placeOf(pathOf(call.at));
      const judge = { write: judgeWrite, change: judgeMetadata, remove: judgeRemoval }[call.kind];
      return {
        verdict: judge(rules, place),
        operation: call.kind,
        object: { kind: 'path', path: place.path },
      };
    }
    case 'unnamed': {
      const place = placeOf(call.path);
      return {
        verdict: judgeMetadata(rules, place),
        operation: 'change',
        object: { kind: 'path', path: place.path },
      };
    }
    case 'nameless': {
      const place = placeOf(Buffer.from(call.directory));
      return {
        verdict: judgeOpen(rules, NAMELESS, { ...place, device: 1n, inode: 1n, isOfMember: false }),
        operation: 'write',
        object: { kind: 'path', path: place.path },
      };
    }
    case 'create': {
      const place = placeOf(pathOf(call.at));
      const verdict = call.entry === 'link' ? judgeLink(rules, place) : judgeCreate(rules, WRITING, place);
      return {
        verdict,
        operation: 'create',
        object: { kind: 'path', path: place.path, ...(call.entry && { entry: call.entry }) },
      };
    }
    case 'bind': {
      const place = placeOf(pathOf(call.at));
      return {
        verdict: rules.restricted ? judgeEntry(rules, place) : PERFORM,
        operation: 'bind',
        object: { kind: 'unix-path', path: place.path },
      };
    }
    case 'rename':
    case 'link': {
      const [from, to] = [placeOf(pathOf(call.from)), placeOf(pathOf(call.to))];
      free.add(to.path.toString('latin1'));
      const first =
        call.kind === 'rename' ? judgeEntries(rules, [from, to]) : judgeSecondName(rules, from, to);
      const becomesLink = first.kind !== 'refuse' && call.isLink && isAllowedPath(rules, to.path);
      const verdict = becomesLink ? judgeLink(rules, to) : first;
      return {
        verdict,
        operation: call.kind,
        object: { kind: 'paths', from: from.path, to: to.path, ...(call.isLink && { entry: 'link' }) },
      };
    }
  }
}

function judgeWrite(rules: FileRules, place: Place): Verdict {
  return judgeOpen(rules, WRITING, { ...place, device: 1n, inode: 1n, isOfMember: false });
}

function placeOf(path: PathBytes): Place & { readonly path: PathBytes } {
  const isInterface = INTERFACES.some((tree) => path.toString('latin1').startsWith(`${tree.toString()}/`));
  return { path, isInterface };
}

function rulesOf(policy: Policy, free: ReadonlySet<string>): FileRules {
  const writable = (policy.files?.writable ?? [Buffer.from('/')]).map((path) => ({
    path,
    backing: { kind: 'none' } as const,
  }));
  // Nothing that a call is about was made inside, save what it makes itself.
  const makers = {
    made: () => false,
    madeFile: () => false,
    madeDirectoryOf: () => false,
    isFree: ({ path }: Place) => free.has(Buffer.from(path).toString('latin1')),
  };
  return {
    restricted: policy.files !== undefined,
    writable: new PathSet(writable, INTERFACES),
    own: new OwnDirectories(policy.files?.own ?? [], makers, INTERFACES),
    denied: new DeniedPlaces([]),
    interfaces: new DeniedPlaces(INTERFACES),
    landlock: false,
    supervisor: 77,
  };
}

function pathOf({ directory, name }: InDirectory): PathBytes {
  return Buffer.concat([Buffer.from(directory.length === ROOT_LENGTH ? '/' : `${directory}/`), name.next()]);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const ALL_LETTERS = `${LETTERS}${LETTERS.toUpperCase()}0123456789`;

function pick(letters: string, count: number): string {
  return Array.from({ length: count }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
}

const made = (make: () => string): Name => ({ next: () => Buffer.from(make()), isMadeUp: true });
const always = (bytes: Buffer): Name => ({ next: () => bytes, isMadeUp: false });

/** What mktemp(1), Python, Node and others make up where no flag tells of it, and what names a process or the time. */
const MADE_UP: readonly Name[] = [
  made(() => `tmp.${pick(ALL_LETTERS, 10)}`),
  made(() => `tmp${pick(`${LETTERS}0123456789_`, 8)}`),
  made(() => `.tmp${pick(ALL_LETTERS, 6)}`),
  made(() => `build-${1_000_000 + Math.floor(Math.random() * 4e9)}`),
  made(() => crypto.randomUUID()),
  ...(process.pid > 99 ? [made(() => `state.${process.pid}.new`)] : []),
];
/** Names of which one sees nothing: whoever makes them says that nobody may have them yet. */
const EXCLUSIVE: readonly Name[] = [
  ...MADE_UP,
  made(() => `sed${pick(LETTERS, 6)}`),
  made(() => pick(`${LETTERS}_`, 8)),
];

const WORDS = [
  'notes',
  'Makefile',
  'a b',
  'a,b',
  String.raw`a\ `,
  "it's",
  '$HOME',
  '~',
  '#x',
  '-x',
  '@x',
  'x\\',
  'caf\xe9',
  '\xc3\xa9',
  'a\nb',
  '\x1b[31m',
  'x (deleted)',
  'Cargo.lock',
  'libx11.so.6',
  '.git',
];
const word = fc.constantFrom(...WORDS).map((text) => always(Buffer.from(text, 'latin1')));
const odd = fc
  .uint8Array({ minLength: 1, maxLength: 9 })
  .map((bytes) => always(Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5f : byte)))));
const stable = fc.oneof(word, odd).filter((name) => !['.', '..'].includes(name.next().toString('latin1')));
const directory = fc.constantFrom(...DIRECTORIES);
const existing = fc.record({ directory, name: stable });
const fresh = fc.record({ directory, name: fc.oneof(stable, fc.constantFrom(...MADE_UP)) });
const exclusive = fc.record({ directory, name: fc.oneof(stable, fc.constantFrom(...EXCLUSIVE)) });

const address = fc.oneof(
  fc
    .constantFrom(
      [127, 0, 0, 1],
      [10, 1, 2, 3],
      [10, 1, 2, 4],
      [192, 0, 2, 1],
      [9, 9, 9, 9],
      [8, 8, 8, 8],
      [224, 0, 0, 251],
      [169, 254, 169, 254],
    )
    .map((four) => Uint8Array.from(four)),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .filter((bytes) => bytes.slice(0, 12).some((byte) => byte !== 0)),
);
const port = fc.oneof(fc.constantFrom(0, 1, 53, 80, 443, 65_535), fc.integer({ min: 1, max: 65_535 }));

export const fileCall: fc.Arbitrary<ModelledCall> = fc.oneof(
  fc.record({ kind: fc.constantFrom('write', 'change', 'remove'), at: existing }),
  fc.record({ kind: fc.constant('nameless' as const), directory }),
  fc
    .constantFrom(
      'pipe:[77]',
      'anon_inode:[eventfd]',
      '/memfd:x (deleted)',
      '/srv/gone (deleted)',
      '(unreachable)/x',
    )
    .map((path) => ({ kind: 'unnamed', path: Buffer.from(path) }) as const),
  fc.record({
    kind: fc.constant('create' as const),
    at: fresh,
    entry: fc.constantFrom(undefined, 'link' as const),
  }),
  fc.record({
    kind: fc.constant('create' as const),
    at: exclusive,
    entry: fc.constant('exclusive' as const),
  }),
  fc.record({ kind: fc.constant('bind' as const), at: fresh }),
  fc.record({ kind: fc.constantFrom('rename', 'link'), from: existing, to: fresh, isLink: fc.boolean() }),
);
export const networkCall: fc.Arbitrary<ModelledCall> = fc.oneof(
  fc.record({
    kind: fc.constant('internet' as const),
    operation: fc.constantFrom('connect', 'send'),
    address,
    port,
    protocol: fc.constantFrom('tcp', 'udp', 'icmp'),
  }),
  fc.record({ kind: fc.constant('unix-path' as const), at: existing }),
  fc
    .oneof(odd, word, fc.constant(always(Buffer.alloc(0))))
    .map((name) => ({ kind: 'unix-abstract', name: name.next() }) as const),
);

/** True where a new name is made in a place by chance, which a policy can only allow as a whole. */
export function madeUpIn(call: ModelledCall): string | undefined {
  if (call.kind === 'create' || call.kind === 'bind')
    return call.at.name.isMadeUp ? call.at.directory : undefined;
  if (call.kind !== 'rename' && call.kind !== 'link') return undefined;
  return call.to.name.isMadeUp ? call.to.directory : undefined;
}

/** Every path that a call is about, and the directories of those. */
export function placesOf(call: ModelledCall): readonly PathBytes[] {
  const { object } = decide(call, { files: undefined, network: undefined, unixSockets: [] });
  const paths =
    object.kind === 'path' || object.kind === 'unix-path'
      ? [object.path]
      : object.kind === 'paths'
        ? [object.from, object.to]
        : [];
  return paths.flatMap((path) => [path, splitPath(path).parent]);
}
