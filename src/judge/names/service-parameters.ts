/** The data of HTTPS and SVCB records, without the addresses that they hint at (RFC 9460, section 2.2): those no question was asked about. */

const IPV4_HINT = 4;
const IPV6_HINT = 6;

/** Undefined where it is not what such a record holds. */
export function withoutHints(data: Buffer): Buffer | undefined {
  let at = 2;
  for (let length = data[at] ?? 0xff; length !== 0; length = data[at] ?? 0xff) {
    if (length > 63) return undefined;
    at += length + 1;
  }
  at += 1;
  if (at > data.length) return undefined;
  const parts = [data.subarray(0, at)];
  while (at < data.length) {
    if (at + 4 > data.length) return undefined;
    const key = data.readUInt16BE(at);
    const end = at + 4 + data.readUInt16BE(at + 2);
    if (end > data.length) return undefined;
    if (key !== IPV4_HINT && key !== IPV6_HINT) parts.push(data.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}
