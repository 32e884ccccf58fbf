/**
 * What a directory holds, in a form that can be compared.
 */
import {
  closeSync,
  constants,
  lstatSync,
  lutimesSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';

import { extendedAttributes, inodeFlags } from './native.ts';

/** Fixtures are dated to this second, so that a time that a call changed can be told from one it left. */
export const FIXTURE_TIME = 1_000_000_000;
const RECENT = BigInt(1_700_000_000) * 1_000_000_000n;

/** One line for each file below a directory, sorted by name: everything a call might change but its inode. */
export function snapshot(root: string): string[] {
  return walk(root, '.').toSorted();
}

/** The same with the time of each inode's last change: nothing at all was done to the file. */
export function strictSnapshot(root: string): string[] {
  return walk(root, '.', true).toSorted();
}

/** The names of all files below a directory, sorted. */
export function listing(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted((a, b) => (a < b ? -1 : 1));
}

export function dateBack(root: string): void {
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (lstatSync(path).isDirectory()) dateBack(path);
    else lutimesSync(path, FIXTURE_TIME, FIXTURE_TIME);
  }
  lutimesSync(root, FIXTURE_TIME, FIXTURE_TIME);
}

function walk(root: string, name: string, strict = false): string[] {
  const path = join(root, name);
  const stat = lstatSync(path, { bigint: true });
  const words = [
    name,
    stat.mode.toString(8),
    `${stat.uid}:${stat.gid}`,
    `links ${stat.nlink}`,
    `device ${stat.rdev}`,
    `changed ${time(stat.mtimeNs, strict)}`,
    ...extendedAttributes(path),
  ];
  if (strict) words.push(`inode ${stat.ino} ${stat.ctimeNs}`);
  if (stat.isSymbolicLink()) return [[...words, `-> ${readlinkSync(path)}`].join(' ')];
  if (stat.isFile()) words.push(...content(path));
  if (!stat.isDirectory()) return [words.join(' ')];
  const below = readdirSync(path).flatMap((entry) => walk(root, join(name, entry), strict));
  return [words.join(' '), ...below];
}

function time(nanoseconds: bigint, strict: boolean): string {
  return !strict && nanoseconds > RECENT ? 'now' : String(nanoseconds);
}

function content(path: string): string[] {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOATIME);
    const flags = inodeFlags(fd);
    closeSync(fd);
    return [`flags ${flags}`, JSON.stringify(readFileSync(path, 'latin1'))];
  } catch {
    return ['unreadable'];
  }
}
