/** Whether a program is to be had on this machine. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export function isInstalled(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
