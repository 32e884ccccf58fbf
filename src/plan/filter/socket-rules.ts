/** The rules for sockets that registers decide: families, types, protocols, options (socket(2), ip(7), ipv6(7)). */
import { Errno } from '../../linux/errno.ts';
import { allow, and, errno, int, or, pointer, when } from '../../seccomp/expression.ts';
import type { Rule } from './rules.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** The type is in the low four bits; SOCK_NONBLOCK and SOCK_CLOEXEC lie above. */
const SOCK_TYPE_MASK = 0xf;
const NETLINK_ROUTE = 0;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_SCTP = 132;
const SOL_MPTCP = 284;
const MSG_FASTOPEN = 0x2000_0000;

const refused = errno(Errno.EPERM);
const noFamily = errno(Errno.EAFNOSUPPORT);
const noProtocol = errno(Errno.EPROTONOSUPPORT);

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

/** send(2) is sendto without an address; with MSG_FASTOPEN it may connect. */
export const sendtoRule: Rule = (_call, leave) =>
  when(and(pointer(4).equals(0n), int(3).hasNone(MSG_FASTOPEN)), allow, leave);

const IP_REFUSED = { IP_HDRINCL: 3, IP_OPTIONS: 4, IP_TRANSPARENT: 19 } as const;
const IPV6_REFUSED = {
  IPV6_ADDRFORM: 1,
  IPV6_2292HOPOPTS: 3,
  IPV6_2292DSTOPTS: 4,
  IPV6_2292RTHDR: 5,
  IPV6_2292PKTOPTIONS: 6,
  /** A flow label may bring a routing header along. */
  IPV6_FLOWLABEL_MGR: 32,
  IPV6_HDRINCL: 36,
  IPV6_HOPOPTS: 54,
  IPV6_RTHDRDSTOPTS: 55,
  IPV6_RTHDR: 57,
  IPV6_DSTOPTS: 59,
  IPV6_TRANSPARENT: 75,
} as const;
const TCP_REFUSED = {
  TCP_REPAIR: 19,
  TCP_REPAIR_QUEUE: 20,
  TCP_QUEUE_SEQ: 21,
  TCP_REPAIR_OPTIONS: 22,
  TCP_ULP: 31,
} as const;

/**
 * The kernel tells the network of a group that is joined (IGMP, MLD): a packet whose content and destination the program
 * chooses.
 */
const MCAST_JOIN = { MCAST_JOIN_GROUP: 42, MCAST_JOIN_SOURCE_GROUP: 46 } as const;
const IP_JOIN = { IP_ADD_MEMBERSHIP: 35, IP_ADD_SOURCE_MEMBERSHIP: 39, ...MCAST_JOIN } as const;
const IPV6_JOIN = { IPV6_ADD_MEMBERSHIP: 20, IPV6_JOIN_ANYCAST: 27, ...MCAST_JOIN } as const;

/** Options that connect, that send by way of another host or to a group, or that change the protocol. */
export const setsockoptRule: Rule = (_call, _leave, { restrictsDestinations }) => {
  const level = int(1);
  const option = int(2);
  const ip = [...Object.values(IP_REFUSED), ...(restrictsDestinations ? Object.values(IP_JOIN) : [])];
  const ipv6 = [...Object.values(IPV6_REFUSED), ...(restrictsDestinations ? Object.values(IPV6_JOIN) : [])];
  return when(
    or(
      level.in([IPPROTO_SCTP, SOL_MPTCP]),
      and(level.equals(IPPROTO_IP), option.in(ip)),
      and(level.equals(IPPROTO_IPV6), option.in(ipv6)),
      and(level.equals(IPPROTO_TCP), option.in(Object.values(TCP_REFUSED))),
    ),
    refused,
    allow,
  );
};

/** SCTP_SOCKOPT_CONNECTX3 connects by an option that is read. */
export const getsockoptRule: Rule = () => when(int(1).equals(IPPROTO_SCTP), refused, allow);
