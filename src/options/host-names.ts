/** Variables by which a program that uses the library tells a secfilt what it is. */

/** The process number of the program: secfilt ends when that does. */
export const HOST_VARIABLE = 'SECFILTER_HOST';
/** Before the name of each variable of the command. */
export const COMMAND_PREFIX = 'SECFILTER_HOST:';
/** The number of the descriptor by which the program speaks with the service of its sandboxes. */
export const CHANNEL_VARIABLE = 'SECFILTER_CHANNEL';
