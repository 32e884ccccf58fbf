/**
 * The environment of a secfilt that a program starts. What makes Node or the dynamic linker load code is taken from the program's
 * own environment, never from that of the command, which may be anybody's: it travels beside, and secfilt puts it in place once it
 * has started (cli/of-host.ts).
 */
import { COMMAND_PREFIX, HOST_VARIABLE } from '../options/host-names.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Node and its OpenSSL act upon these, and secfilt starts faster without. */
const LOADING_PATTERN = /^(?:NODE_|OPENSSL_)/;

/** @param command the environment of the command */
export function environmentOf(command: Variables): Record<string, string> {
  const others = Object.entries(command).map(([name, value]) => [COMMAND_PREFIX + name, value] as const);
  return {
    ...withoutLoading(process.env),
    ...defined(others),
    [HOST_VARIABLE]: String(process.pid),
  };
}

/** Our own, without what secfilt's Node would act upon. */
export function withoutLoading(variables: Variables): Record<string, string> {
  return defined(Object.entries(variables).filter(([name]) => !LOADING_PATTERN.test(name)));
}

function defined(
  entries: readonly (readonly [name: string, value: string | undefined])[],
): Record<string, string> {
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
