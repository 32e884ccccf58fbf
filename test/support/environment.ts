/**
 * Where the built program lies, and who runs the tests.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder that holds build/ and dist/: the clone, or the copy that another user runs from. */
export const projectRoot = resolve(import.meta.dirname, '../../..');
export const secfiltScript = resolve(projectRoot, 'dist/secfilt.cjs');
export const probesFolder = resolve(projectRoot, 'build/test/probes');

function identity(read: (() => number) | undefined): number {
  if (read === undefined) throw new Error('this platform has no user ids');
  return read();
}

export const uid = identity(process.getuid);
export const gid = identity(process.getgid);
export const isRoot = uid === 0;
/** For test names: the same test runs as root and as another user. */
export const who = isRoot ? 'root' : 'ordinary user';

const slowness = Number(process.env['SECFILTER_TEST_SLOWNESS'] ?? 1);

/** A time limit in milliseconds, so many times longer as SECFILTER_TEST_SLOWNESS says: an emulated machine is slow, not stuck. */
export function patience(milliseconds: number): number {
  return milliseconds * slowness;
}

/** The engine that the tests are run with; undefined or `auto`: the one that secfilt chooses itself. */
export const testEngine = process.env['SECFILTER_TEST_ENGINE'];

/** CAP_CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE: what root keeps inside. */
export const KEPT_CAPABILITIES = 0x4fb;

/** Without CAP_SETPCAP nobody takes anything out of the bounding set. */
export const limitsBounding = /^CapEff:\t[0-9a-f]*[13579bdf][0-9a-f]{2}$/m.test(
  readFileSync('/proc/self/status', 'latin1'),
);
