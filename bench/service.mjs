// A service of the benchmark's own, and clients of it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from './run.mjs';

/** Milliseconds between two looks for its socket. */
const LOOK = 20;

let service;

/** The service, which is started when it is needed first and ends with this process. */
export function theService(script) {
  if (service !== undefined) return service;
  const runtime = mkdtempSync(join(tmpdir(), 'secfilt-bench-'));
  mkdirSync(join(runtime, 'secfilt'), { mode: 0o700 });
  const env = environment({ XDG_RUNTIME_DIR: runtime });
  const child = spawn(process.execPath, [script, '--serve', '--read-only', '--quiet'], {
    env,
    stdio: 'ignore',
  });
  process.on('exit', () => {
    child.kill('SIGKILL');
    rmSync(runtime, { recursive: true, force: true });
  });
  const socket = join(runtime, 'secfilt', 'service');
  for (let tries = 0; !existsSync(socket) && tries < 500; tries += 1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK);
  service = { pid: child.pid, runtime, env };
  return service;
}

/** A client for one policy: an executable whose arguments are the command. */
export function clientFor(script, name, ...options) {
  const { runtime, env } = theService(script);
  const file = join(runtime, name);
  if (!existsSync(file)) execFileSync(process.execPath, [script, `--compile=${file}`, ...options], { env });
  return file;
}
