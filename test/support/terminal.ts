/**
 * A pseudo-terminal with a program on it, typed at and read from as a person would.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

import koffi from 'koffi';

import { patience } from './environment.ts';
import { environment, type RunOptions } from './run.ts';

const libc = koffi.load(null);
type Foreign<Result> = (...args: (number | Uint8Array)[]) => Result;
const posixOpenpt: Foreign<number> = libc.func('posix_openpt', 'int', ['int']);
const grantpt: Foreign<number> = libc.func('grantpt', 'int', ['int']);
const unlockpt: Foreign<number> = libc.func('unlockpt', 'int', ['int']);
const ptsname: Foreign<string> = libc.func('ptsname', 'const char *', ['int']);
const ioctl: Foreign<number> = libc.func('ioctl', 'int', ['int', 'ulong', 'void *']);
const writeForeign: Foreign<number> = libc.func('write', 'long', ['int', 'void *', 'size_t']);

const TIOCSWINSZ = 0x5414;

/** Without noflsh the kernel throws output away some time after it has sent the signal of a key: also what answers the key. */
const START = 'stty noflsh && exec "$@"';

export class Terminal {
  readonly path: string;
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #text = '';
  #seen = 0;
  readonly #master: number;
  readonly #reader: ReadStream;

  /** Starts a program as the leader of a session whose terminal this is. */
  constructor(words: readonly string[], options: RunOptions = {}) {
    this.#master = posixOpenpt(constants.O_RDWR | constants.O_NOCTTY);
    if (this.#master < 0 || grantpt(this.#master) !== 0 || unlockpt(this.#master) !== 0) {
      throw new Error('no pseudo-terminal to be had');
    }
    this.path = ptsname(this.#master);
    this.resize(24, 80);
    const slave = openSync(this.path, constants.O_RDWR | constants.O_NOCTTY);
    this.child = spawn('setsid', ['--ctty', 'sh', '-c', START, 'sh', ...words], {
      cwd: options.cwd,
      env: environment({ TERM: 'dumb', PS1: '$ ', HISTFILE: undefined, ...options.env }),
      stdio: [slave, slave, slave],
    });
    closeSync(slave);
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    this.#reader = new ReadStream(this.#master);
    this.#reader.on('data', (data: Buffer) => {
      this.#text += data.toString('utf8');
    });
    // Reading fails with EIO once the last holder of the other side is gone: that is its end of file.
    this.#reader.on('error', () => undefined);
  }

  /** All that was shown since the start, with plain line ends. */
  get text(): string {
    return this.#text.replaceAll('\r\n', '\n');
  }

  resize(rows: number, columns: number): void {
    ioctl(
      this.#master,
      TIOCSWINSZ,
      Uint8Array.from(new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer)),
    );
  }

  type(text: string): void {
    const bytes = Buffer.from(text);
    writeForeign(this.#master, bytes, bytes.length);
  }

  /** Waits until something is shown that was not waited for before, and returns what came up to there. */
  async expect(pattern: RegExp | string, timeout = 15_000): Promise<string> {
    const end = Date.now() + patience(timeout);
    for (;;) {
      const rest = this.text.slice(this.#seen);
      const match = typeof pattern === 'string' ? rest.indexOf(pattern) : rest.search(pattern);
      if (match >= 0) {
        const length = typeof pattern === 'string' ? pattern.length : (pattern.exec(rest)?.[0].length ?? 0);
        this.#seen += match + length;
        return rest.slice(0, match + length);
      }
      if (Date.now() > end)
        throw new Error(`${String(pattern)} was not shown, but ${JSON.stringify(this.text)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    this.#reader.destroy();
  }
}
