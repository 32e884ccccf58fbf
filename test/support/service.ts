/** Services of the tests' own, and clients of theirs. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { buildClient } from '../../src/launch/client.ts';
import { encodeRequest, type Wanted } from '../../src/service/request.ts';
import { patience, secfiltScript } from './environment.ts';
import { start, type RunOptions } from './run.ts';
import { temporaryDirectory } from './temporary.ts';

export interface TestService {
  readonly child: ChildProcess;
  readonly socket: string;
  /** What it has said. */
  readonly said: () => string;
  /** The path of a client of its: with a policy by these options, or with the service's own. */
  readonly client: (options?: readonly string[], words?: readonly string[]) => string;
}

export async function until(what: string, condition: () => boolean, milliseconds = 10_000): Promise<void> {
  for (const end = Date.now() + patience(milliseconds); !condition();) {
    if (Date.now() > end) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Starts a service, and waits until it listens. It is killed at the end of the test. */
export async function startService(
  t: TestContext,
  options: readonly string[] = [],
  more: Pick<RunOptions, 'env' | 'cwd'> = {},
): Promise<TestService> {
  const folder = join(temporaryDirectory(t), 'service');
  mkdirSync(folder, { mode: 0o700 });
  const socket = join(folder, 'socket');
  const words = [process.execPath, secfiltScript, `--serve=${socket}`, ...options];
  const child = start(words, { ...more, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => (said += data.toString()));
  await until(`a service that listens (${said})`, () => existsSync(socket) || child.exitCode !== null);
  let clients = 0;
  return {
    child,
    socket,
    said: () => said,
    client: (policy, first = []) => {
      const wanted: Wanted = { kind: 'policy', options: policy?.map((word) => Buffer.from(word)) };
      clients += 1;
      return writeClient(join(folder, `client${clients}`), socket, wanted, first);
    },
  };
}

/** Writes a client's executable. */
export function writeClient(
  file: string,
  socket: string,
  wanted: Wanted,
  words: readonly string[] = [],
  fallback?: { readonly path: string; readonly argv: readonly string[] },
): string {
  const request = encodeRequest({ wanted, words: words.map((word) => Buffer.from(word)) });
  const image = buildClient({
    socket: Buffer.from(socket),
    request,
    names: { socket, ...(fallback && { fallback: fallback.path }) },
    ...(fallback && {
      fallback: { path: Buffer.from(fallback.path), argv: fallback.argv.map((word) => Buffer.from(word)) },
    }),
  });
  writeFileSync(file, image);
  chmodSync(file, 0o755);
  return file;
}
