/** What a kernel can do, as far as a plan depends on it. A plain record: how it was found out is not told here. */
export interface KernelFeatures {
  /** ABI version of Landlock; 0: none. */
  readonly landlockAbi: number;
  /** SECCOMP_FILTER_FLAG_NEW_LISTENER. */
  readonly listener: boolean;
  /** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV. */
  readonly waitKillable: boolean;
  /** The kernel starts a program when a process dumps core (core(5), "Piping core dumps to a program"). */
  readonly coreHandler: boolean;
}
