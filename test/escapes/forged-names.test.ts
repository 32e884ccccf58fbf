/** Names of sockets hold any bytes. No name makes the kernel's word about another socket mean something else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { attackTest, type Ground, insideTest, python, saidBy } from '../support/escape.ts';
import { environment } from '../support/run.ts';

/** Outside: takes the name as soon as it has been given up, and writes down what it hears. */
const SERVICE = String.raw`
kind = socket.SOCK_STREAM if sys.argv[2] == 'stream' else socket.SOCK_DGRAM
while not os.path.exists(ROOT + '/a/released'): time.sleep(0.01)
s = socket.socket(socket.AF_UNIX, kind); s.bind(b'\0sf ' + ROOT.encode())
if sys.argv[2] == 'stream': s.listen()
open(ROOT + '/taken', 'w').close()
heard = s.accept()[0].recv(99) if sys.argv[2] == 'stream' else s.recv(99)
open(ROOT + '/heard', 'wb').write(heard)
`;

/** Inside: had the name, and has another socket whose name looks like a line of /proc/net/unix about the first. */
const ATTACK = String.raw`
kind = socket.SOCK_STREAM if KIND == 'stream' else socket.SOCK_DGRAM
name = b'\0sf ' + ROOT.encode()
s = socket.socket(socket.AF_UNIX, kind); s.bind(name); inode = os.fstat(s.fileno()).st_ino
if kind == socket.SOCK_STREAM: s.listen()
forger = socket.socket(socket.AF_UNIX, kind); forger.bind(b'\0%d\na b c d e f %d ' % (os.getpid(), inode))
again = socket.socket(socket.AF_UNIX, kind); again.bind(b'\0%d\na: 00000002 00000000 00010000 0001 01 %d @sf ' % (os.getpid(), inode))
s.close(); open(ROOT + '/a/released', 'w').close()
while not os.path.exists(ROOT + '/taken'): time.sleep(0.01)
c = socket.socket(socket.AF_UNIX, kind)
try:
    if WAY == 'connect': c.connect(name); c.send(b'from inside')
    elif WAY == 'sendto': c.sendto(b'from inside', name)
    else: c.sendmsg([b'from inside'], [], 0, name)
    print('sent')
except OSError as e: print(e.errno)
time.sleep(0.2)
`;

async function serve({ root }: Ground, t: TestContext, kind: string): Promise<void> {
  const [file, ...words] = python(SERVICE, root, kind);
  const child = spawn(file, words, { stdio: 'inherit', env: environment() });
  t.after(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
}

for (const [kind, way] of [
  ['stream', 'connect'],
  ['datagram', 'connect'],
  ['datagram', 'sendto'],
  ['datagram', 'sendmsg'],
] as const) {
  attackTest({
    id: 'S04',
    title: `a forged line in the table of sockets, ${kind}, ${way}`,
    script: `KIND, WAY = '${kind}', '${way}'\n${ATTACK}`,
    prepare: (ground, t) => serve(ground, t, kind),
    worked: ({ root }) => existsSync(join(root, 'heard')) && readFileSync(join(root, 'heard')).length > 0,
    // EPERM: the name is somebody's, and not ours.
    inside: (_, { stdout }) => assert.equal(stdout, '1\n'),
  });
}

insideTest(
  'S04 sockets of the sandbox with names like lines of a table reach each other',
  String.raw`
out = {}
for number, name in enumerate([b'plain', b'a\nb', b'\n', b'a b  c', b'@', b'\0', b'\0\0x', b'x' * 107, b'\xff\x80', b'0: 1 2 3 4 5 6\n7']):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
        own = b'\0' + (b'%d' % os.getpid() + name)[:107]
        s = socket.socket(socket.AF_UNIX, kind); s.bind(own); s.settimeout(10)
        if kind != socket.SOCK_DGRAM: s.listen()
        c = socket.socket(socket.AF_UNIX, kind); c.connect(own); c.send(b'x')
        got = s.recv(9) if kind == socket.SOCK_DGRAM else s.accept()[0].recv(9)
        s.close(); c.close()
        c = socket.socket(socket.AF_UNIX, kind)
        try: c.connect(own); gone = 0
        except OSError as e: gone = e.errno
        out['%d %d' % (number, kind)] = gone if got == b'x' else -1
print(json.dumps(out))
`,
  (outcome) => {
    const said = saidBy(outcome);
    assert.equal(Object.keys(said).length, 30);
    assert.deepEqual(new Set(Object.values(said)), new Set([111]));
  },
);
