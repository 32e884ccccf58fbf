/** The same as in package.json, which a test looks after: reading that file would cost every start. */
export const VERSION = '0.1.0';
