/**
 * Filters that the build has compiled, in base64, by their situation: it puts its own table in the place of this empty one.
 * A filter that is not there is compiled at the start, which takes ten milliseconds.
 */
export const COMPILED: Readonly<Record<string, string>> = {};
