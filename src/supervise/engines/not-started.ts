/** Why a command would not be started by the rules of its own policy: said before, as the kernel would only say "Permission denied". */
import { executedFiles } from '../../launch/executed-files.ts';
import { startRefusal, startRefusalText } from '../../plan/start-refusal.ts';
import type { PathBytes, Policy } from '../../policy/policy.ts';
import { escapeBytes } from '../../report/escape.ts';

/**
 * A sentence, or undefined where nothing is known to be in the way.
 * @param cwd what a relative path is relative to, if not the current directory
 */
export function whyNotStarted(policy: Policy, command: PathBytes, cwd?: string): string | undefined {
  if (policy.read === undefined && policy.execute === undefined) return undefined;
  const files = executedFiles(command, cwd);
  const refusal = startRefusal(policy, files);
  if (refusal === undefined) return undefined;
  const text = startRefusalText(refusal, files[0] ?? command, escapeBytes);
  return `cannot execute ${escapeBytes(command)}: ${text}`;
}
