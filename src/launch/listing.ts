/**
 * Machine code as a listing: `label: bytes | what they do, as objdump -M intel words it | why`, an instruction a line. The
 * bytes are what runs; a test has them read by a disassembler.
 */

export interface Instruction {
  readonly label: string | undefined;
  readonly bytes: Buffer;
  /** Jumps name a label; all else is written as a disassembler writes it. */
  readonly assembly: string;
}

/** The bytes of a listing: first what is before them goes, and what is behind them. */
export function listingBytes(listing: string): Buffer {
  return Buffer.from(listing.replaceAll(/^.{12}|\|.*$|\s/gm, ''), 'hex');
}

/** A listing, a line each. Throws an Error for what is no line of a listing. */
export function readListing(listing: string): Instruction[] {
  return listing
    .trim()
    .split('\n')
    .map((line) => {
      const match = /^(?:(\w+):)?\s+([0-9a-f ]+?)\s*\|\s*(.+?)\s*\|/.exec(line);
      if (match === null) throw new Error(`not a line of the listing: ${line}`);
      const [, label, hex = '', assembly = ''] = match;
      return { label, bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex'), assembly };
    });
}
