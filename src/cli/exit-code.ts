/** Exit codes of `secfilt`, where it is not the command's own. The same as those of env(1), nohup(1), timeout(1). */
export const ExitCode = {
  /** secfilt itself failed: bad usage, a config file in error, a kernel that cannot do what the policy asks. */
  FAILURE: 125,
  /** The command was found and cannot be executed. */
  CANNOT_EXECUTE: 126,
  /** The command was not found. */
  NOT_FOUND: 127,
  /** Plus the signal's number: the command was ended by it. secfilt then ends itself by the same signal. */
  SIGNALED: 128,
} as const;
