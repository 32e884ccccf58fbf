/** Whether there is a command, asked before it is started: by the time secfilt finds out, a child is there already. */
import { accessSync, constants, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from './backend.ts';
import { MISSING, NOT_EXECUTABLE } from './place.ts';

/** What execvp(3) searches when there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';

/** A path that fails to start as the command would, where it would; undefined: it can be started. */
export function failingCommand({ file, options }: Command): string | undefined {
  const { env = process.env, cwd } = options;
  const directory = cwd instanceof URL ? fileURLToPath(cwd) : (cwd ?? '.');
  const folders = file.includes('/') ? [undefined] : (env['PATH'] ?? DEFAULT_PATH).split(':');
  let failing = MISSING;
  for (const folder of folders) {
    const path = folder === undefined ? file : `${folder === '' ? '.' : folder}/${file}`;
    const found = lookAt(path.startsWith('/') ? path : `${directory}/${path}`);
    if (found === 'executable') return undefined;
    if (found === 'closed') failing = NOT_EXECUTABLE;
  }
  return failing;
}

function lookAt(path: string): 'executable' | 'closed' | 'missing' {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? 'executable' : 'closed';
  } catch (error) {
    const isClosed = error instanceof Error && 'code' in error && error.code === 'EACCES';
    return isClosed ? 'closed' : 'missing';
  }
}
