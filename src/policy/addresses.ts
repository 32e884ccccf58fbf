/** Addresses, networks and ports of the internet protocols, as plain values. */

/** A port number, 0 to 65535, host byte order. */
export type Port = number;

/** An IP address in network byte order: 4 bytes for IPv4, 16 for IPv6. IPv4-mapped IPv6 is always IPv4 here. */
export type AddressBytes = Uint8Array;

export interface Network {
  readonly address: AddressBytes;
  /** Length of the prefix in bits. All bits of the address beyond it are zero. */
  readonly prefix: number;
}

export interface Endpoint {
  readonly address: AddressBytes;
  readonly port: Port;
}
