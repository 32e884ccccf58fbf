/** Where a service listens that nobody was told another place of: in a directory that only its user can enter. */
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'service';

/** The path of the usual socket. Nothing is looked at or made. */
export function usualSocket(environment: Readonly<Record<string, string | undefined>>): string {
  const runtime = environment['XDG_RUNTIME_DIR'];
  const folder =
    runtime !== undefined && runtime.startsWith('/')
      ? join(runtime, 'secfilt')
      : join(tmpdir(), `secfilt-${process.geteuid?.() ?? 0}`);
  return join(folder, NAME);
}

/** Makes a directory, if it is not there, that only this user can enter. Throws an Error that says why it is none. */
export function ownDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Not what a link leads to: in a directory of everybody's it may be anybody's.
  const status = lstatSync(path);
  if (!status.isDirectory()) throw new Error(`${path}: is no directory`);
  if (status.uid !== process.geteuid?.()) throw new Error(`${path}: belongs to another user`);
  if ((status.mode & 0o077) !== 0) throw new Error(`${path}: others can enter it (chmod 700)`);
}
