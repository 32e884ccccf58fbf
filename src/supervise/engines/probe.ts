/** What this kernel can do, found out by asking it, never by its version. */
import { readProcText } from '../../linux/files.ts';
import { landlockAbi } from '../../linux/landlock.ts';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  knowsFilterFlag,
} from '../../linux/seccomp.ts';
import type { KernelFeatures } from '../../plan/features.ts';

/** A switch for tests: the supervisor then behaves as on a kernel without Landlock. */
const LANDLOCK_SWITCH = 'SECFILTER_LANDLOCK';

export function probeKernel(environment: Readonly<Record<string, string | undefined>>): KernelFeatures {
  return {
    landlockAbi: environment[LANDLOCK_SWITCH] === '0' ? 0 : landlockAbi(),
    listener: knowsFilterFlag(SECCOMP_FILTER_FLAG_NEW_LISTENER),
    // Known only beside the flag that it changes.
    waitKillable: knowsFilterFlag(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
    // Asked for some policies only.
    get coreHandler() {
      const pattern = readProcText('/proc/sys/kernel/core_pattern');
      // What cannot be read may name one.
      return typeof pattern === 'number' || pattern.startsWith('|');
    },
  };
}
