/** The errors that Node's own modules throw for a failed system call. */

/** The positive error number of such an error; any other error is thrown again. */
export function errnoOf(error: unknown): number {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') return -error.errno;
  throw error;
}
