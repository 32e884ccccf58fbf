/** The built library, with the types of its source. */
import { join } from 'node:path';
import type * as Library from '../../src/library/index.ts';
import { projectRoot } from './environment.ts';

export const libraryPath = join(projectRoot, 'dist/library/esm/index.js');
export const commonJsPath = join(projectRoot, 'dist/library/cjs/index.js');

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is built from that source
export const library = (await import(libraryPath)) as typeof Library;
