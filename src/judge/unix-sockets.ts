/** The judge of Unix sockets: only those of the sandbox, and those that `--allow-unix` names. Pure. */
import type { UnixSocketName } from '../policy/policy.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

/** What the rule is called that allows a socket that the sandbox has bound itself, under every policy. */
export const OWN_SOCKET = 'bound in the sandbox';

const OUTSIDE_RULE = refuse('not bound in the sandbox, nor in --allow-unix');

export class UnixRules {
  readonly #paths = new Set<string>();
  readonly #names = new Set<string>();

  readonly #any: boolean;

  /** @param any whatever socket it is */
  constructor(allowed: readonly UnixSocketName[], any = false) {
    this.#any = any;
    for (const socket of allowed) {
      if (socket.kind === 'path') this.#paths.add(socket.path.toString('latin1'));
      else this.#names.add(socket.name.toString('latin1'));
    }
  }

  /**
   * @param path as the kernel names what the caller's path led to
   * @param isOurs the socket there was bound by a process of the sandbox
   */
  judgePath(path: Buffer, isOurs: boolean): Verdict {
    return isOurs || this.#any || this.#paths.has(path.toString('latin1')) ? PERFORM : OUTSIDE_RULE;
  }

  /** @param name without the leading NUL */
  judgeName(name: Buffer, isOurs: boolean): Verdict {
    return isOurs || this.#any || this.#names.has(name.toString('latin1')) ? PERFORM : OUTSIDE_RULE;
  }
}
