/** The rules for sockets that registers decide: families, types, protocols, options (socket(2), ip(7), ipv6(7)). */
import { Errno } from '../../linux/errno.ts';
import { OPTION_LEVELS, type OptionLevel } from '../../linux/socket-options.ts';
import { allow, and, errno, int, or, pointer, when, type Condition } from '../../seccomp/expression.ts';
import type { Rule } from './rule.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** The type is in the low four bits; SOCK_NONBLOCK and SOCK_CLOEXEC lie above. */
const SOCK_TYPE_MASK = 0xf;
const NETLINK_ROUTE = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_SCTP = 132;
const SOL_MPTCP = 284;
const MSG_DONTROUTE = 4;
const MSG_FASTOPEN = 0x2000_0000;

const refused = errno(Errno.EPERM);
const noFamily = errno(Errno.EAFNOSUPPORT);
const noProtocol = errno(Errno.EPROTONOSUPPORT);
const noOption = errno(Errno.ENOPROTOOPT);

/** Families of ordinary programs, of these the ordinary types, of these the ordinary protocols. */
export const socketRule: Rule = () => {
  const family = int(0);
  const stream = int(1).masked(SOCK_TYPE_MASK, SOCK_STREAM);
  const datagram = int(1).masked(SOCK_TYPE_MASK, SOCK_DGRAM);
  const protocol = int(2);
  const internet = (ping: number): ReturnType<typeof or> =>
    or(and(stream, protocol.in([0, IPPROTO_TCP])), and(datagram, protocol.in([0, IPPROTO_UDP, ping])));
  return when(
    family.equals(AF_UNIX),
    allow,
    when(
      family.equals(AF_INET),
      when(internet(IPPROTO_ICMP), allow, noProtocol),
      when(
        family.equals(AF_INET6),
        when(internet(IPPROTO_ICMPV6), allow, noProtocol),
        when(family.equals(AF_NETLINK), when(protocol.equals(NETLINK_ROUTE), allow, noProtocol), noFamily),
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
export const setsockoptRule: Rule = (_call, _leave, { restrictsDestinations }) => {
  const level = int(1);
  const option = int(2);
  const ofLevels = (numbers: (of: OptionLevel) => readonly number[]): Condition =>
    or(
      ...OPTION_LEVELS.filter((of) => numbers(of).length > 0).map((of) =>
        and(level.equals(of.level), option.in(numbers(of))),
      ),
    );
  const closed = or(
    level.in([IPPROTO_SCTP, SOL_MPTCP]),
    ofLevels(({ protocol, routing }) => [
      ...Object.values(protocol),
      ...(restrictsDestinations ? Object.values(routing) : []),
    ]),
  );
  const known = ofLevels(({ harmless }) => Object.values(harmless));
  return when(closed, refused, restrictsDestinations ? when(known, allow, noOption) : allow);
};

/** SCTP_SOCKOPT_CONNECTX3 connects by an option that is read. */
export const getsockoptRule: Rule = () => when(int(1).equals(IPPROTO_SCTP), refused, allow);
