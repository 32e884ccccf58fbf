/** How often a test of chance repeats: a few times with all tests, many times when it is asked for. */
export function repetitions(
  variable: 'SECFILTER_FAULT_RUNS' | 'SECFILTER_FUZZ_SECONDS' | 'SECFILTER_SOAK_RUNS',
  usual: number,
): number {
  const given = Number(process.env[variable]);
  return Number.isInteger(given) && given > 0 ? given : usual;
}

/** Numbers below 1 that are the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
