/** What can go wrong, besides what can go wrong with any child process. */
import { keyOf } from '../options/policy-keys.ts';

/** A policy that cannot be taken as it stands. The message names the key, and says what would be right. */
export class PolicyError extends TypeError {
  readonly code = 'ERR_SECFILTER_POLICY';
  /** `network.ports[1]`; undefined where it is no single key. */
  readonly key: string | undefined;

  constructor(message: string, key?: string) {
    super(message);
    this.name = 'PolicyError';
    this.key = key;
  }
}

/** The policy cannot be put in force here, or the sandbox is there no more. */
export class SandboxError extends Error {
  readonly code = 'ERR_SECFILTER_SANDBOX';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SandboxError';
  }
}

const OPTION_PATTERN = /--([a-z]+(?:-[a-z]+)*)/g;
const LEADING_OPTION_PATTERN = /^--([a-z]+(?:-[a-z]+)*)\b/;

/**
 * What secfilt has said, as an error: the options in it become the keys that say the same. What begins with an option is about a
 * word of the policy.
 */
export function errorFrom(said: string): PolicyError | SandboxError {
  const key = keyOf(LEADING_OPTION_PATTERN.exec(said)?.[1] ?? '');
  // What is quoted in it may look like an option, and is none.
  const parts = said.split(/("(?:[^"\\]|\\.)*")/);
  const message = parts
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replaceAll(OPTION_PATTERN, (option, name: string) => keyOf(name) ?? option),
    )
    .join('');
  return key === undefined ? new SandboxError(message) : new PolicyError(message, key);
}
