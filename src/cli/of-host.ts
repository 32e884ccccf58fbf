/** A secfilt that was started by a program through the library (library/direct.ts). */
import { endWithParent } from '../linux/parent-death.ts';
import { COMMAND_PREFIX, HOST_VARIABLE } from '../options/host-names.ts';

/**
 * Ends with that program, and has the command's environment from here on. Where nobody has left a note, nothing happens; who sets the
 * variable by hand chooses for his own command.
 */
export function takeHostNotes(): void {
  const { env } = process;
  const host = env[HOST_VARIABLE];
  if (host === undefined) return;
  const all = Object.entries(env);
  for (const [name] of all) delete env[name];
  for (const [name, value] of all)
    if (name.startsWith(COMMAND_PREFIX)) env[name.slice(COMMAND_PREFIX.length)] = value;
  endWithParent(Number(host));
}
