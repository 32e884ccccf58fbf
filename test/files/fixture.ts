/**
 * The same small tree for every call: a file, a second one, an empty directory, a full one, a symbolic link.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFifo, setExtendedAttribute } from '../support/native.ts';
import { dateBack } from '../support/snapshot.ts';

export function makeFixture(path: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'f'), 'the content\n', { mode: 0o644 });
  writeFileSync(join(path, 'g'), 'another\n', { mode: 0o600 });
  mkdirSync(join(path, 'd'));
  mkdirSync(join(path, 'full'));
  writeFileSync(join(path, 'full/x'), 'x');
  symlinkSync('f', join(path, 'l'));
  makeFifo(join(path, 'p'));
  setExtendedAttribute(join(path, 'f'), 'user.old', 'value');
  dateBack(path);
}
