/** The rules for sockets that registers decide: families, types, protocols, options (socket(2), ip(7), ipv6(7)). */
import { Errno } from '../../linux/errno.ts';
import { OPTION_LEVELS, type OptionLevel } from '../../linux/socket-options.ts';
import { allow, and, errno, int, not, or, pointer, when, type Condition } from '../../seccomp/expression.ts';
import { refusal } from './refusal.ts';
import type { Rule } from './rule.ts';
import type { Situation } from './situation.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
/** SOCK_PACKET asks AF_INET for what is AF_PACKET's. */
const SOCK_PACKET = 10;
/** The type is in the low four bits; SOCK_NONBLOCK and SOCK_CLOEXEC lie above. */
const SOCK_TYPE_MASK = 0xf;
/** No type, and no flag either. */
const SOCK_UNKNOWN = ~(SOCK_TYPE_MASK | 0x8_0800) >>> 0;
/** Types below that are known (SOCK_MAX). */
const UNKNOWN_TYPES = [11, 12, 13, 14, 15];
/** Families up to that have a meaning (AF_MAX). */
const LAST_FAMILY = 45;
/** Protocols up to that are known (IPPROTO_MAX). */
const LAST_PROTOCOL = 262;
const NETLINK_ROUTE = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_SCTP = 132;
const SOL_MPTCP = 284;
const IPPROTO_IPV6 = 41;
const IPV6_ADDRFORM = 1;
const TCP_ULP = 31;
const SOL_SOCKET = 1;
/** SO_REUSEADDR, SO_REUSEPORT. */
const SHARING = [2, 15];
const MSG_DONTROUTE = 4;
const MSG_FASTOPEN = 0x2000_0000;

const noFamily = errno(Errno.EAFNOSUPPORT);
const noProtocol = errno(Errno.EPROTONOSUPPORT);
const noType = errno(Errno.ESOCKTNOSUPPORT);
const invalid = errno(Errno.EINVAL);

const type = (one: number): Condition => int(1).masked(SOCK_TYPE_MASK, one);

/**
 * Families of ordinary programs, of these the ordinary types, of these the ordinary protocols. The rest gets the error
 * of a kernel that was built without it, so that programs do what they do there: Go makes a TCP socket in place of MPTCP.
 */
export const socketRule: Rule = (_call, _leave, situation) => {
  const family = int(0);
  const [stream, datagram] = [type(SOCK_STREAM), type(SOCK_DGRAM)];
  const protocol = int(2);
  // In the order of socket(2): flags and type, the protocol's number, then what there is.
  const [hasUnknownFlags, isUnknown] = [int(1).hasAny(SOCK_UNKNOWN), or(...UNKNOWN_TYPES.map(type))];
  const isInvalid = or(hasUnknownFlags, isUnknown);
  // Who has no such family looks at flags, at the family's number and at the type before.
  const closed = when(or(hasUnknownFlags, and(family.atMost(LAST_FAMILY), isUnknown)), invalid, noFamily);
  const service = when(or(type(SOCK_RAW), datagram), noProtocol, when(isInvalid, invalid, noType));
  const otherwise = when(
    or(isInvalid, not(protocol.atMost(LAST_PROTOCOL))),
    invalid,
    when(
      or(stream, datagram),
      noProtocol,
      when(type(SOCK_RAW), when(protocol.equals(0), noProtocol, refusal(situation)), noType),
    ),
  );
  const internet = (ping: number): ReturnType<typeof or> =>
    or(and(stream, protocol.in([0, IPPROTO_TCP])), and(datagram, protocol.in([0, IPPROTO_UDP, ping])));
  return when(
    family.equals(AF_UNIX),
    allow,
    when(
      family.equals(AF_INET),
      when(
        internet(IPPROTO_ICMP),
        allow,
        when(type(SOCK_PACKET), when(isInvalid, invalid, noFamily), otherwise),
      ),
      when(
        family.equals(AF_INET6),
        when(internet(IPPROTO_ICMPV6), allow, otherwise),
        when(family.equals(AF_NETLINK), when(protocol.equals(NETLINK_ROUTE), allow, service), closed),
      ),
    ),
  );
};

/** send(2) is sendto without an address; with MSG_FASTOPEN it may connect, with MSG_DONTROUTE leave by another route. */
export const sendtoRule: Rule = (_call, leave, { restrictsDestinations }) => {
  const leads = restrictsDestinations ? MSG_FASTOPEN | MSG_DONTROUTE : MSG_FASTOPEN;
  return when(and(pointer(4).equals(0n), int(3).hasNone(leads)), allow, leave);
};

/**
 * Under any network policy no option that changes the protocol or sends by way of other hosts. Where destinations are
 * restricted none either that leads a packet elsewhere than its address says, and none that nobody knows.
 */
export const setsockoptRule: Rule = (_call, leave, situation) => {
  const { restrictsDestinations } = situation;
  const level = int(1);
  const option = int(2);
  const ofLevels = (numbers: (of: OptionLevel) => readonly number[]): Condition =>
    or(
      ...OPTION_LEVELS.filter((of) => numbers(of).length > 0).map((of) =>
        and(level.equals(of.level), option.in(numbers(of))),
      ),
    );
  // As a kernel says that was built without them: OpenSSL then encrypts by itself, in place of kTLS.
  const absent = or(
    level.in([IPPROTO_SCTP, SOL_MPTCP]),
    and(level.equals(IPPROTO_IPV6), option.equals(IPV6_ADDRFORM)),
  );
  const closed = ofLevels(({ protocol, routing }) => [
    ...Object.values(protocol),
    ...(restrictsDestinations ? Object.values(routing) : []),
  ]);
  const known = ofLevels(({ harmless }) => Object.values(harmless));
  // A bad descriptor comes first.
  const noOption = refusal(situation, Errno.ENOPROTOOPT);
  const missing = refusal(situation, Errno.ENOENT);
  const rest = when(closed, refusal(situation), restrictsDestinations ? when(known, allow, noOption) : allow);
  const hasNoProtocols = and(level.equals(IPPROTO_TCP), option.equals(TCP_ULP));
  const shares = and(level.equals(SOL_SOCKET), option.in(SHARING));
  const judged = knowsOwnSockets(situation) ? when(shares, leave, rest) : rest;
  return when(absent, noOption, when(hasNoProtocols, missing, judged));
};

export const listenRule: Rule = (_call, leave, situation) =>
  knowsOwnSockets(situation) || situation.restrictsListening === true ? leave : allow;

/** Then the sandbox's own sockets on this host are reached from inside. */
function knowsOwnSockets({ restrictsDestinations, refer }: Situation): boolean {
  return restrictsDestinations && refer !== undefined;
}

/** recv(2) is recvfrom without an address. */
export const receiveFromRule: Rule = (_call, leave, { judgesNames }) =>
  judgesNames === true ? when(pointer(4).equals(0n), allow, leave) : allow;

export const receiveMessageRule: Rule = (_call, leave, { judgesNames }) =>
  judgesNames === true ? leave : allow;

/** SCTP_SOCKOPT_CONNECTX3 connects by an option that is read. */
export const getsockoptRule: Rule = (_call, _leave, situation) =>
  when(int(1).equals(IPPROTO_SCTP), refusal(situation, Errno.ENOPROTOOPT), allow);

/**
 * What an option that these rules do not let pass is answered with where it is not refused, but not there; undefined: refused.
 */
export function absentOptionError(level: number, option: number): number | undefined {
  if (level === IPPROTO_TCP && option === TCP_ULP) return Errno.ENOENT;
  if (level === IPPROTO_IPV6 && option === IPV6_ADDRFORM) return Errno.ENOPROTOOPT;
  const isClosed = OPTION_LEVELS.some(
    (of) =>
      of.level === level &&
      [of.protocol, of.routing].some((options) => Object.values(options).includes(option)),
  );
  return isClosed ? undefined : Errno.ENOPROTOOPT;
}
