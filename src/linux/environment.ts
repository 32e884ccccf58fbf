/** The environment in bytes: Node decodes it as UTF-8, which loses all others. */
import { readFileSync } from 'node:fs';

const REPLACEMENT_CHARACTER = '\ufffd';

/**
 * What a variable holds, as this process was started with it; undefined: there is none. Where decoding has lost something
 * the kernel still has the bytes (proc(5), /proc/PID/environ).
 */
export function variableBytes(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Buffer | undefined {
  const value = environment[name];
  if (value?.includes(REPLACEMENT_CHARACTER) !== true)
    return value === undefined ? undefined : Buffer.from(value);
  const prefix = `${name}=`;
  const variable = initialVariables().find((one) => one.startsWith(prefix));
  return variable === undefined ? Buffer.from(value) : Buffer.from(variable.slice(prefix.length), 'latin1');
}

/** Each byte a character. */
function initialVariables(): string[] {
  try {
    return readFileSync('/proc/self/environ', 'latin1').split('\0');
  } catch {
    return [];
  }
}
