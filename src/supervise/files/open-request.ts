/** What an opening call asks for: owned values. */
export interface OpenRequest {
  readonly directory: number;
  readonly flags: number;
  readonly mode: number;
  /** RESOLVE_ flags of openat2(2). */
  readonly resolve: number;
  /** The flags lie in memory, where they may change. */
  readonly fromMemory?: boolean;
}
