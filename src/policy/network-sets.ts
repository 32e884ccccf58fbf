/** Sets of networks, by the name that stands behind an `@`: data. IPv4 networks stand for what IPv6 carries to them as well, but for loopback. */

/** Not loopback: that is a set of its own, for what is allowed of the one is seldom meant of the other. */
const PRIVATE = [
  '10.0.0.0/8', // RFC 1918
  '172.16.0.0/12', // RFC 1918
  '192.168.0.0/16', // RFC 1918
  '100.64.0.0/10', // shared by the customers of a provider: RFC 6598
  '169.254.0.0/16', // of the link, the services of @metadata among it: RFC 3927
  '192.0.0.0/24', // of protocols themselves: RFC 6890
  '198.18.0.0/15', // measurements: RFC 2544
  '224.0.0.0/4', // groups: RFC 5771
  '240.0.0.0/4', // reserved, and the broadcast address: RFC 1112, RFC 919
  'fc00::/7', // unique local: RFC 4193
  'fe80::/10', // of the link: RFC 4291
  'fec0::/10', // of the site, as long as there was that: RFC 3879
  'ff00::/8', // groups: RFC 4291
  '64:ff9b:1::/48', // translated within one's own network: RFC 8215
] as const;

const LOOPBACK = ['127.0.0.0/8', '::1'] as const;

/** Where clouds hand out credentials and settings to whoever asks from inside. */
const METADATA = [
  '169.254.169.254', // most of them
  '169.254.170.2', // containers of Amazon ECS
  '169.254.170.23', // containers of Amazon EKS
  '100.100.100.200', // Alibaba Cloud
  '168.63.129.16', // Microsoft Azure
  '192.0.0.192', // Oracle Cloud
  'fd00:ec2::254', // Amazon EC2
  'fd00:ec2::23', // containers of Amazon EKS
  'fd20:ce::254', // Google Cloud
] as const;

export const NETWORK_SETS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['private', PRIVATE],
  ['loopback', LOOPBACK],
  ['metadata', METADATA],
]);
