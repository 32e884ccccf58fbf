/** Options of prctl(2) that the filter and the supervisor tell apart. */

/** What changes capabilities, now or with the next program, or adds a filter. */
export const PRCTL_CREDENTIALS = { PR_SET_SECCOMP: 22, PR_CAPBSET_DROP: 24, PR_CAP_AMBIENT: 47 } as const;
