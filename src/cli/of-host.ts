/** A secfilt that was started by a program through the library (library/direct.ts, library/service.ts). */
import { endWithParent } from '../linux/parent-death.ts';
import { setPlacesEnvironment } from './places-environment.ts';
import { CHANNEL_VARIABLE, COMMAND_PREFIX, HOST_VARIABLE } from '../options/host-names.ts';

/**
 * Ends with that program, and has the command's environment from here on. Where nobody has left a note, nothing happens; who sets the
 * variable by hand chooses for his own command.
 */
export function takeHostNotes(): void {
  const { env } = process;
  const host = env[HOST_VARIABLE];
  if (host === undefined) return;
  const all = Object.entries(env);
  setPlacesEnvironment({ ...env });
  for (const [name] of all) delete env[name];
  for (const [name, value] of all)
    if (name.startsWith(COMMAND_PREFIX)) env[name.slice(COMMAND_PREFIX.length)] = value;
  endWithParent(Number(host));
}

/** The descriptor by which a program speaks with the service of its sandboxes; undefined: this is none. */
export function takeChannel(): number | undefined {
  const { env } = process;
  const channel = env[CHANNEL_VARIABLE];
  delete env[CHANNEL_VARIABLE];
  return channel === undefined ? undefined : Number(channel);
}
