/**
 * A plan put in force on this very process, which then becomes the command: no other process is left behind.
 *
 * Everything here is of the calling thread, which is the main one, and execve(2) ends the others. So the steps are plain
 * calls and no image is needed; and when the command cannot be executed there is still somebody to say why.
 */
import { limitBoundingSet, setCapabilities } from '../linux/capabilities.ts';
import { dumpNoCore } from '../linux/core-limit.ts';
import { Errno } from '../linux/errno.ts';
import { execute, keepStandardDescriptors } from '../linux/execute.ts';
import { restrictSelf } from '../linux/landlock.ts';
import { defaultSignal, ignoreSignal, prctl } from '../linux/libc.ts';
import { limitOpenFiles } from '../linux/open-files.ts';
import { RLIMIT_FSIZE, setOwnLimit } from '../linux/limits.ts';
import { installFilter } from '../linux/seccomp.ts';
import { fileSizeAtStart } from './file-size.ts';
import { IGNORED_SIGNALS } from './ignored-signals.ts';
import { LaunchError } from './launch-error.ts';
import { ignoredAtStart, openFilesAtStart } from './start-notes.ts';

export interface Replacement {
  /** The path to execute, resolved already. */
  readonly command: Buffer;
  /** What the command sees as its arguments; the first is its name. */
  readonly argv: readonly Buffer[];
  /** struct sock_filter[]. */
  readonly filter: Buffer;
  readonly rulesetDescriptor: number | undefined;
  /** Whether no core is to be dumped (core(5)). */
  readonly withoutCores: boolean;
  /** The set of capabilities to keep; undefined: there are none. */
  readonly capabilities: bigint | undefined;
}

const SHELL = Buffer.from('/bin/sh');
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** Becomes the command. Returns only to say what failed; the restrictions may be in force by then. */
export function becomeCommand(replacement: Replacement): LaunchError {
  const { capabilities, rulesetDescriptor, filter } = replacement;
  try {
    // A supervisor's too: another engine may have been tried before.
    for (const signal of IGNORED_SIGNALS) defaultSignal(signal);
    for (const signal of ignoredAtStart()) ignoreSignal(signal);
    // And it has raised this one.
    const openFiles = openFilesAtStart();
    if (openFiles !== undefined) checked('prlimit64', limitOpenFiles(openFiles));
    const fileSize = fileSizeAtStart();
    if (fileSize !== undefined) checked('prlimit64', setOwnLimit(RLIMIT_FSIZE, fileSize));
    if (replacement.withoutCores) checked('prlimit64', dumpNoCore());
    if (capabilities !== undefined) dropCapabilities(capabilities);
    checked('prctl PR_SET_NO_NEW_PRIVS', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (rulesetDescriptor !== undefined) checked('landlock_restrict_self', restrictSelf(rulesetDescriptor));
    checked('close_range', keepStandardDescriptors());
    checked('seccomp', installFilter(filter));
    return executeCommand(replacement);
  } catch (error) {
    if (error instanceof LaunchError) return error;
    throw error;
  }
}

function dropCapabilities(kept: bigint): void {
  limitBoundingSet(kept);
  checked('prctl PR_CAP_AMBIENT', prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  checked('capset', setCapabilities(kept, kept));
}

/** A script without #! is the shell's, as execvp(3) has it. The shell would take a leading dash for an option. */
function executeCommand({ command, argv }: Replacement): LaunchError {
  const result = execute(command, argv);
  if (result !== -Errno.ENOEXEC) return new LaunchError('execve', -result);
  const script = command[0] === 0x2d ? Buffer.concat([Buffer.from('./'), command]) : command;
  return new LaunchError(`execve ${SHELL.toString()}`, -execute(SHELL, [SHELL, script, ...argv.slice(1)]));
}

function checked(step: string, result: number): void {
  if (result < 0) throw new LaunchError(step, -result);
}
