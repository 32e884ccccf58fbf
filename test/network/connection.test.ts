/**
 * Sends on a connected pair go on in the kernel where nobody else has the program's descriptors: the peer sees who
 * sends. Where somebody has, the descriptor could become another socket between the look at it and the send.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { PRELUDE } from '../support/python.ts';
import { type Scope, temporaryDirectory } from '../support/temporary.ts';
import { pythonResults } from './python.ts';

/** Whom the peer of a pair sees, by what the sender is. */
const SENDERS = String.raw`${PRELUDE}
CLONE_FILES = 0x400
def seen(kind):
    a, b = socket.socketpair(socket.AF_UNIX, kind); b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    a.sendmsg([b'x'])
    return struct.unpack('iII', b.recvmsg(10, 100)[1][0][2])[0] == os.getpid()
def forked():
    return in_child(lambda: 1 if seen(socket.SOCK_SEQPACKET) else 0) == 1
def threaded():
    stop = threading.Event(); t = threading.Thread(target=stop.wait); t.start()
    try: return seen(socket.SOCK_STREAM)
    finally:
        stop.set(); t.join()
        # Python's thread is over before the kernel's is.
        while len(os.listdir('/proc/self/task')) > 1: time.sleep(0.01)
def sharing():
    pid = sc(56, CLONE_FILES | signal.SIGCHLD)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
    return seen(socket.SOCK_STREAM)
say(stream=seen(socket.SOCK_STREAM), packets=seen(socket.SOCK_SEQPACKET), forked=forked(), threaded=threaded(), joined=seen(socket.SOCK_STREAM), sharing=sharing(), child=forked())
`;

forEachBacking(`the peer of a pair sees who sends (${who})`, async (_t, { env }) => {
  const own = { stream: true, packets: true, forked: true, joined: true };
  assert.deepEqual(await pythonResults(SENDERS, []), { ...own, threaded: true, sharing: true, child: true });
  // The kernel lets nobody speak for another process: what is performed comes from the supervisor.
  assert.deepEqual(await pythonResults(SENDERS, [], { sandbox: ['--read-only'], env }), {
    ...own,
    threaded: false,
    sharing: false,
    child: false,
  });
});

const LISTENER = String.raw`
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(0.05)
print('ready', flush=True)
while True:
    try: s.recv(9); print('heard', flush=True)
    except TimeoutError: pass
`;

/** A datagram socket outside, which always reads. */
async function listenOutside(t: Scope, path: string): Promise<{ heard: boolean }> {
  const child = spawn('python3', ['-c', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  const state = { heard: false };
  child.stdout.setEncoding('utf8');
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text: string) => {
      if (text.includes('ready')) resolve();
      if (text.includes('heard')) state.heard = true;
    });
  });
  return state;
}

/** A descriptor that is now half of a pair of streams, now a datagram socket; the message names the socket outside. */
const SWAP = String.raw`${PRELUDE}
import collections, errno
kind, path, until = sys.argv[1], sys.argv[2].encode(), time.time() + float(sys.argv[3])
sys.setswitchinterval(0.00005)
near, far = socket.socketpair(); other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); fd = os.dup(near.fileno())
name = ctypes.create_string_buffer(struct.pack('=H', 1) + path, 3 + len(path))
data = ctypes.create_string_buffer(b'x'); vector = struct.pack('QQ', ctypes.addressof(data), 1)
vectors = ctypes.create_string_buffer(vector, 16)
header = struct.pack('QIIQQQQii', ctypes.addressof(name), len(name), 0, ctypes.addressof(vectors), 1, 0, 0, 0, 0)
def flip():
    while time.time() < until: os.dup2(other.fileno(), fd); os.dup2(near.fileno(), fd)
if kind == 'thread': threading.Thread(target=flip).start()
elif sc(56, 0x400 | signal.SIGCHLD) == 0: flip(); os._exit(0)
message = ctypes.create_string_buffer(header, 56); count = collections.Counter()
while time.time() < until:
    result = libc.sendmsg(fd, message, 0x4040)
    count['ok' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), '?')] += 1
say(**count)
`;

for (const kind of ['thread', 'process']) {
  forEachBacking(`a ${kind} that swaps the socket reaches nobody outside (${who})`, async (t, { env }) => {
    const path = join(temporaryDirectory(t), 's');
    const outside = await listenOutside(t, path);
    for (let tries = 0; tries < 30 && !outside.heard; tries += 1) {
      await pythonResults(SWAP, [kind, path, '0.2']);
    }
    assert.ok(outside.heard, 'natively the race can be won');
    await new Promise((resolve) => setTimeout(resolve, 200));
    outside.heard = false;

    const results = await pythonResults(SWAP, [kind, path, '2'], { sandbox: ['--read-only'], env });
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.diagnostic(JSON.stringify(results));
    assert.ok(!outside.heard, JSON.stringify(results));
    assert.ok(Number(results['EPERM'] ?? 0) > 0, 'the socket outside must have been tried');
    assert.ok(Number(results['EISCONN'] ?? 0) > 0, 'the pair must have been tried');
  });
}
