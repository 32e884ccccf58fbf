/** What the front and the program that it starts agree on. */

/** The variable that holds the note. */
export const NOTE_VARIABLE = 'SECFILTER_START';

/** In the place of the first byte of a variable that is hidden … */
export const HIDDEN = 1;

/** … which begins so. */
export const HIDDEN_PREFIXES: readonly string[] = ['NODE_', 'OPENSSL_'];
