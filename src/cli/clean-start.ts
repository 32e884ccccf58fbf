/**
 * A supervisor that runs nobody else's code: what the environment makes Node or its libraries load belongs to the
 * command. Node has read it by the time we are asked, so this process becomes a fresh Node without it (execve(2)); the
 * command gets it back untouched. Without such variables, which is the rule, nothing happens.
 */
import { readFileSync } from 'node:fs';
import { execute } from '../linux/execute.ts';
import { handedDescriptors } from '../linux/handed-descriptors.ts';
import { fcntl } from '../linux/libc.ts';

/** Variables through which Node, or the OpenSSL in it, loads code or opens its inspector at start. */
const LOADING = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_COMPILE_CACHE',
  'NODE_V8_COVERAGE',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
] as const;

/** Carries them over to the fresh process, as JSON. */
const CARRIED = 'SECFILTER_ENVIRONMENT';

const F_SETFD = 2;

/** Starts this process afresh where it must be; otherwise gives the environment of the command back. */
export function startClean(): void {
  const { env } = process;
  const loading = LOADING.filter((name) => env[name]);
  if (loading.length > 0) startAfresh(loading);
  const carried = env[CARRIED];
  if (carried !== undefined) giveBack(carried);
}

function startAfresh(names: readonly string[]): void {
  const { env } = process;
  env[CARRIED] = JSON.stringify(Object.fromEntries(names.map((name) => [name, env[name]])));
  for (const name of names) delete env[name];
  const words = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
  // Node has marked them close-on-exec.
  for (const descriptor of handedDescriptors()) fcntl(descriptor, F_SETFD, 0);
  const result = execute(
    Buffer.from(process.execPath),
    words.map((word) => Buffer.from(word, 'latin1')),
  );
  throw new Error(`cannot start without ${names.join(', ')}: error ${-result}`);
}

function giveBack(carried: string): void {
  const { env } = process;
  delete env[CARRIED];
  const values: unknown = JSON.parse(carried);
  if (typeof values !== 'object' || values === null) return;
  const given = new Map<string, unknown>(Object.entries(values));
  for (const name of LOADING) {
    const value = given.get(name);
    if (typeof value === 'string') env[name] = value;
  }
}

/** Closes the inspector that `node --inspect` opened: whoever reaches its port runs code in this process. */
export function closeInspector(): void {
  // Not imported above: loading it takes time, and hardly anybody needs it.
  if (process.execArgv.some((word) => word.startsWith('--inspect')))
    process.getBuiltinModule('node:inspector').close();
}
