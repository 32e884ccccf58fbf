/** Whose directories are homes: of this user, and of everybody who may log in (passwd(5)). */
import { readFileSync, realpathSync } from 'node:fs';
import { variableBytes } from '../linux/environment.ts';
import type { PathBytes } from '../policy/policy.ts';
import type { Homes } from './sensitive.ts';

const PASSWD = '/etc/passwd';
/** The shells of accounts that nobody logs in to. */
const NO_SHELL_PATTERN = /\/(?:nologin|false|sync|halt|shutdown)$/;

/** As they are written, and where links lead: both may be what a path begins with. Never the root directory. */
export function homeDirectories(
  environment: Readonly<Record<string, string | undefined>>,
  passwd: string = PASSWD,
): Homes {
  const written = [variableBytes('HOME', environment), ...passwdHomes(passwd)].flatMap((path) => plain(path));
  return unique([...written, ...written.flatMap((path) => plain(resolved(path)))]);
}

function passwdHomes(file: string): PathBytes[] {
  return read(file)
    .split('\n')
    .map((line) => line.split(':'))
    .filter(({ length, 6: shell = '' }) => length === 7 && !NO_SHELL_PATTERN.test(shell))
    .map(({ 5: home = '' }) => Buffer.from(home, 'latin1'));
}

/** Each byte a character. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function resolved(path: PathBytes): PathBytes | undefined {
  try {
    return realpathSync.native(path, 'buffer');
  } catch {
    return undefined;
  }
}

/** Without slashes at the end; none for what is no place of its own. */
function plain(path: PathBytes | undefined): PathBytes[] {
  if (path === undefined || path[0] !== 0x2f) return [];
  const text = path.toString('latin1').replace(/\/+$/, '');
  return text === '' ? [] : [Buffer.from(text, 'latin1')];
}

function unique(paths: readonly PathBytes[]): PathBytes[] {
  return [...new Map(paths.map((path) => [path.toString('latin1'), path])).values()];
}
