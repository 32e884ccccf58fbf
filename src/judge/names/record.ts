/** Records and questions of DNS, as far as they are looked at (RFC 1035, RFC 3596, RFC 2782, RFC 9460). Plain values. */
import type { AddressBytes } from '../../policy/addresses.ts';

/** The types that may be asked for, as their numbers are named. */
export type AskedType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'PTR' | 'HTTPS' | 'SVCB';

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: AddressBytes; readonly text: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** What its parameters say, in the form of the wire. */
  | { readonly type: 'HTTPS' | 'SVCB'; readonly bytes: Buffer };

export interface DnsRecord {
  /** Lower case, without the dot at the end. */
  readonly owner: string;
  /** In seconds. */
  readonly timeToLive: number;
  readonly data: RecordData;
}

/** RFC 1035, RFC 6895. */
export const ResponseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;
