/** SIGPIPE and SIGXFSZ, which Node ignores, SIGTTIN and SIGTTOU, which a supervisor does: a command has their default action. */
export const IGNORED_SIGNALS: readonly number[] = [13, 21, 22, 25];
