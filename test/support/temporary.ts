/**
 * Directories that vanish with the test that asked for them.
 */
import { chmodSync, lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A test's context, or the hooks of a whole file: `{ after }` from node:test. */
export interface Scope {
  after(clean: () => void): void;
}

/** A short name: a Unix socket's path must fit into 107 bytes. */
export function temporaryDirectory(t: Scope, prefix = 'sf-'): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), prefix));
  t.after(() => remove(path));
  return path;
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    unlock(path);
    rmSync(path, { recursive: true, force: true });
  }
}

/** Tests take modes away from directories; an ordinary user cannot remove what is below them then. */
function unlock(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) unlock(join(path, name));
}
