/**
 * secfilt through a client of a service that runs already (`node scripts/test.mjs --client`): what is promised holds there too.
 * A run whose options say more than a policy is one of secfilt itself.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildClient } from '../../src/launch/client.ts';
import { encodeRequest } from '../../src/service/request.ts';
import { secfiltScript } from './environment.ts';

/** The directory with the sockets of two services: `landlock`, and `plain`, which does as if there were no Landlock. */
const services = process.env['SECFILTER_TEST_SERVICES'];
/** Commands are not secfilt's children then, but those of whoever starts the client. */
export const throughClient: boolean = services !== undefined;
/** Options that make a policy, or say nothing about one. */
const OF_A_POLICY =
  /^--(?:read-only|(?:write-allow|allow-write|write-own|allow-write-own|allowed-netmasks?|allowed-ports?|allow-unix)(?==)|own-tmp|no-outbound-network|allow-resolv|mainstream-network-families)(?:=|$)/;
const WITHOUT_EFFECT = /^--(?:quiet|engine=(?:notify|auto))$/;
const CHOOSE =
  'if [ "$SECFILTER_LANDLOCK" = 0 ]; then plain=$1; shift 2; exec "$plain" "$@"; else shift; exec "$@"; fi';

let folder: string | undefined;
const made = new Map<string, string>();

/** The words that start a command as a client; undefined where it has to be started by secfilt itself. */
export function clientWords(args: readonly string[]): [string, ...string[]] | undefined {
  if (services === undefined) return undefined;
  const end = args.findIndex((word) => !word.startsWith('-') || word === '--');
  const options = args.slice(0, end).filter((word) => !WITHOUT_EFFECT.test(word));
  const command = args.slice(args[end] === '--' ? end + 1 : end);
  if (options.some(isRelative)) return undefined;
  if (end < 0 || command.length === 0 || !options.every((word) => OF_A_POLICY.test(word))) return undefined;
  const [plain, landlock] = ['plain', 'landlock'].map((name) =>
    clientOf(join(services, name, 'socket'), options),
  );
  return ['/bin/sh', '-c', CHOOSE, 'sh', plain ?? '', landlock ?? '', ...command];
}

/** A service was started somewhere else. */
function isRelative(option: string): boolean {
  const paths = /^--(?:write-allow|allow-write|write-own|allow-write-own|allow-unix)=(.*)$/s.exec(
    option,
  )?.[1];
  return paths !== undefined && !paths.split(/(?<!\\),/).every((path) => /^[/@]/.test(path));
}

function clientOf(socket: string, options: readonly string[]): string {
  const key = JSON.stringify([socket, process.cwd(), options]);
  const known = made.get(key);
  if (known !== undefined) return known;
  if (folder === undefined) {
    const own = mkdtempSync(join(tmpdir(), 'secfilter-clients-'));
    process.on('exit', () => rmSync(own, { recursive: true, force: true }));
    folder = own;
  }
  const file = join(folder, `${made.size}`);
  const words = options.map((word) => Buffer.from(word));
  const request = encodeRequest({ wanted: { kind: 'policy', options: words }, words: [] });
  // In another namespace, or with other rights than the service, there is none for it.
  const argv = [process.execPath, secfiltScript, ...options, '--'].map((word) => Buffer.from(word));
  const fallback = { path: Buffer.from(process.execPath), argv };
  const names = { socket, fallback: process.execPath };
  writeFileSync(file, buildClient({ socket: Buffer.from(socket), request, fallback, names }));
  chmodSync(file, 0o755);
  made.set(key, file);
  return file;
}
