/**
 * Control messages of a send (cmsg(3)), as the supervisor may send them: descriptors become copies of its own, and
 * nothing that leads a datagram another way is let through.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  SOL_SOCKET,
} from '../../linux/sockets.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { arena, readMemory } from '../target/target.ts';
import { closeLingering } from '../watch.ts';

const HEADER_SIZE = 16;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const IP_PKTINFO = 8;
const IPV6_2292PKTINFO = 2;
const IPV6_PKTINFO = 50;
/** Longer than any kernel takes (net.core.optmem_max). */
const LONGEST = 131072;

/** SCM_MAX_FD. */
const MOST_DESCRIPTORS = 253;

/** Of each level what is harmless: priorities, times, the source address, hop limits, segmentation. */
const HARMLESS: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  // SCM_RIGHTS, SCM_CREDENTIALS, SO_PRIORITY, SO_TIMESTAMPING_OLD and _NEW, SCM_TXTIME, SCM_TS_OPT_ID
  [SOL_SOCKET, new Set([SCM_RIGHTS, SCM_CREDENTIALS, 12, 37, 65, 61, 81])],
  // IP_TOS, IP_TTL
  [IPPROTO_IP, new Set([1, 2, IP_PKTINFO])],
  // IPV6_2292HOPLIMIT, IPV6_HOPLIMIT, IPV6_DONTFRAG, IPV6_TCLASS
  [IPPROTO_IPV6, new Set([IPV6_2292PKTINFO, 8, IPV6_PKTINFO, 52, 62, 67])],
  // UDP_SEGMENT
  [IPPROTO_UDP, new Set([103])],
]);

/** Where a message of the kind names an interface: in struct in_pktinfo, in struct in6_pktinfo. */
function interfaceOffset(level: number, type: number): number | undefined {
  if (level === IPPROTO_IP && type === IP_PKTINFO) return 0;
  const isIpv6 = level === IPPROTO_IPV6 && (type === IPV6_PKTINFO || type === IPV6_2292PKTINFO);
  return isIpv6 ? 16 : undefined;
}

export interface Control {
  /** What to send; undefined: nothing. */
  readonly bytes: Buffer | undefined;
  /** Ours, to be closed afterwards. */
  readonly descriptors: readonly number[];
  /** The interfaces that it names, by their numbers. */
  readonly interfaces?: readonly number[];
}

export const NO_CONTROL: Control = { bytes: undefined, descriptors: [] };

export interface ControlRules {
  /** Family of the socket. */
  readonly domain: number;
  /** The policy restricts destinations. */
  readonly restricted: boolean;
  /** The target's process, where its credentials are ours; undefined where they are not. */
  readonly process: () => number | undefined;
}

const bytes = arena(LONGEST);

/** Copies and rewrites a target's control messages. Returns a negated error number. */
export function readControl(
  tid: number,
  address: number,
  length: bigint,
  rules: ControlRules,
): Control | number | 'rerouting' | 'untrusted' {
  if (length === 0n) return NO_CONTROL;
  if (length > BigInt(LONGEST)) return -Errno.ENOBUFS;
  const size = Number(length);
  const result = readMemory(tid, address, bytes, size);
  if (result < 0) return result;
  const control = Buffer.from(new ArrayBuffer(size));
  bytes.bytes.copy(control, 0, 0, size);
  const descriptors: number[] = [];
  const interfaces: number[] = [];
  const outcome = rewrite(tid, control, rules, descriptors, interfaces);
  if (outcome === 0) return { bytes: control, descriptors, interfaces };
  for (const descriptor of descriptors) closeLingering(descriptor);
  return outcome;
}

function rewrite(
  tid: number,
  control: Buffer,
  rules: ControlRules,
  descriptors: number[],
  interfaces: number[],
): number | 'rerouting' | 'untrusted' {
  for (let offset = 0; offset + HEADER_SIZE <= control.length;) {
    const length = control.readBigUInt64LE(offset);
    if (length < BigInt(HEADER_SIZE) || length > BigInt(control.length - offset)) return -Errno.EINVAL;
    const level = control.readInt32LE(offset + 8);
    const type = control.readInt32LE(offset + 12);
    const content = control.subarray(offset + HEADER_SIZE, offset + Number(length));
    const isInternet = rules.domain === AF_INET || rules.domain === AF_INET6;
    if (rules.restricted && isInternet && HARMLESS.get(level)?.has(type) !== true) return 'rerouting';
    const named = rules.restricted && isInternet ? interfaceOffset(level, type) : undefined;
    // A shorter one is an error of the kernel's.
    const index = named !== undefined && content.length >= named + 4 ? content.readInt32LE(named) : 0;
    if (index !== 0) interfaces.push(index);
    if (level === SOL_SOCKET && !isInternet) {
      const result = rewriteOwn(tid, type, content, rules, descriptors);
      if (result !== 0) return result;
    }
    offset += Math.ceil(Number(length) / 8) * 8;
  }
  return 0;
}

function rewriteOwn(
  tid: number,
  type: number,
  content: Buffer,
  rules: ControlRules,
  descriptors: number[],
): number | 'untrusted' {
  if (type === SCM_RIGHTS && rules.domain === AF_UNIX) return takeOver(tid, content, descriptors);
  return type === SCM_CREDENTIALS ? nameOurselves(content, rules) : 0;
}

function takeOver(tid: number, content: Buffer, descriptors: number[]): number {
  if (descriptors.length + (content.length >> 2) > MOST_DESCRIPTORS) return -Errno.EINVAL;
  for (let offset = 0; offset + 4 <= content.length; offset += 4) {
    const copy = copyDescriptor(tid, content.readInt32LE(offset));
    if (copy < 0) return copy;
    descriptors.push(copy);
    content.writeInt32LE(copy, offset);
  }
  return 0;
}

/**
 * The kernel lets a process name none but itself, and it is we who send. So a target that names itself names us, as do
 * all the credentials that the kernel adds to what we send; user and group are its own.
 */
function nameOurselves(content: Buffer, rules: ControlRules): number | 'untrusted' {
  if (content.length !== 12) return -Errno.EINVAL;
  const own = rules.process();
  if (own === undefined) return 'untrusted';
  if (content.readInt32LE(0) !== own) return -Errno.EPERM;
  content.writeInt32LE(process.pid, 0);
  return 0;
}
