/**
 * A file whose pages are slow to come and never the same twice: a file system of our own (FUSE), with one file, `path`.
 * Mapped into memory it is memory that is only read when somebody outside lets it be.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scope } from './temporary.ts';

/** Arguments: the mount point, seconds that each read takes, the texts that the reads give in turn. */
const SERVER = String.raw`
import ctypes, os, struct, sys, threading, time
folder, delay, texts = sys.argv[1], float(sys.argv[2]), [t.encode().ljust(4096, b'\0') for t in sys.argv[3:]]
libc = ctypes.CDLL(None, use_errno=True)
try: device = os.open('/dev/fuse', os.O_RDWR)
except OSError as error: print('/dev/fuse:', error.strerror, flush=True); sys.exit()
options = b'fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other' % (device, os.getuid(), os.getgid())
if libc.mount(b'slow', folder.encode(), b'fuse', 0, options) != 0:
    print('mount(2) of FUSE:', os.strerror(ctypes.get_errno()), flush=True); sys.exit()
INIT, LOOKUP, GETATTR, OPEN, OPENDIR, READ = 26, 1, 3, 14, 27, 15
DONE, SILENT = (18, 25, 29, 34), (2, 36, 42) # RELEASE FLUSH RELEASEDIR ACCESS; FORGET INTERRUPT BATCH_FORGET
def attributes(node):
    mode, size = (0o040755, 0) if node == 1 else (0o100644, 4096)
    return struct.pack('6Q10I', node, size, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
def answer(unique, body=b'', error=0): os.write(device, struct.pack('IiQ', 16 + len(body), error, unique) + body)
def read(unique, number):
    time.sleep(delay)
    try: answer(unique, texts[number % len(texts)])
    except OSError: pass # who asked was killed
def serve():
    count = 0
    while True:
        try: request = os.read(device, 1 << 17)
        except OSError: return
        _, opcode, unique, node = struct.unpack_from('IIQQ', request)
        if opcode == INIT: answer(unique, struct.pack('4I2H2I2H8I', 7, 31, 0, 0, 12, 9, 4096, 1, 1, 0, *[0] * 8))
        elif opcode == LOOKUP: answer(unique, struct.pack('4Q2I', 2, 0, 0, 0, 0, 0) + attributes(2))
        elif opcode == GETATTR: answer(unique, struct.pack('QII', 0, 0, 0) + attributes(node))
        elif opcode in (OPEN, OPENDIR): answer(unique, struct.pack('QII', 0, 0, 0))
        elif opcode == READ:
            print('read', flush=True); threading.Thread(target=read, args=(unique, count), daemon=True).start(); count += 1
        elif opcode in DONE: answer(unique)
        elif opcode not in SILENT: answer(unique, error=-38)
threading.Thread(target=serve, daemon=True).start()
print('ready', flush=True)
sys.stdin.read()
libc.umount2(folder.encode(), 2); os._exit(0)
`;

export interface SlowFile {
  readonly path: string;
  /** Resolves when the file is first read. */
  readonly firstRead: Promise<void>;
  /** Ends the file system: who waits for it gets an error. */
  cutOff(): void;
}

function makeFolder(): string {
  return mkdtempSync(join(realpathSync(tmpdir()), 'sf-slow-'));
}

/** Why there can be no such file here; undefined: there can. */
export function slowFilesLack(): string | undefined {
  const folder = makeFolder();
  const { stdout, stderr } = spawnSync('python3', ['-c', SERVER, folder, '0', 'x'], {
    encoding: 'utf8',
    input: '',
  });
  rmdirSync(folder);
  return stdout === 'ready\n' ? undefined : `no FUSE: ${stdout ?? ''}${stderr ?? ''}`.trim();
}

export async function slowFile(t: Scope, delay: number, ...texts: string[]): Promise<SlowFile> {
  const folder = makeFolder();
  const child = spawn('python3', ['-c', SERVER, folder, String(delay), ...texts], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => {
    child.kill('SIGKILL');
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  let text = '';
  child.stdout.setEncoding('utf8');
  const said = (word: string): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.on('data', () => {
        if (text.includes(word)) resolve();
      });
    });
  child.stdout.on('data', (data: string) => {
    text += data;
  });
  const firstRead = said('\nread\n');
  await said('ready\n');
  return { path: join(folder, 'path'), firstRead, cutOff: () => void child.kill('SIGKILL') };
}
