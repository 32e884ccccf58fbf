/** Under a network policy this host is reached where a process of the sandbox listens, told by socket and never by port. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest, insideTest, saidBy } from '../support/escape.ts';

const policy = (): readonly string[] => ['--no-outbound-network'];

/** Outside: listens beside what listens inside, and notes whoever comes. */
const OUTSIDE = String.raw`
import subprocess, threading
def service(address, port, reuse):
    s = socket.socket(); s.setsockopt(1, 2, 1)
    if reuse: s.setsockopt(1, 15, 1)
    s.bind((address, port)); s.listen(50)
    def serve():
        while True:
            c = s.accept()[0]
            if c.recv(9): open(ROOT + '/heard', 'w').close()
            c.close()
    threading.Thread(target=serve, daemon=True).start()
    return s
`;

/** Inside: data to every connection that is had, on a port that is listened on inside as well. */
const CONNECTS = String.raw`
def say(port, address='127.0.0.1'):
    c = socket.socket()
    try: c.connect((address, port)); c.send(b'out'); c.close()
    except OSError as e: return e.errno
`;

attackTest({
  id: 'N41',
  title: 'a service outside that shares its port with one inside (SO_REUSEPORT)',
  script: `${CONNECTS}
port = int(os.environ['PORT'])
own = socket.socket(); own.setsockopt(1, 15, 1); own.bind(('127.0.0.1', port)); own.listen(50)
print({say(port) for _ in range(40)})
`,
  outside: `${OUTSIDE}
s = service('127.0.0.1', 0, True); os.environ['PORT'] = str(s.getsockname()[1])
r = subprocess.run(WORDS); time.sleep(0.1); sys.exit(r.returncode)
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
  inside: (_, { stdout }) => assert.equal(stdout, '{1}\n'),
});

attackTest({
  id: 'N41',
  title: 'a service outside at another address of the port that is listened on inside',
  script: `${CONNECTS}
port = int(os.environ['PORT'])
own = socket.socket(); own.bind(('127.0.0.1', port)); own.listen(50)
print({say(port), say(port, '127.0.0.2')} - {None})
`,
  outside: `${OUTSIDE}
s = service('127.0.0.2', 0, False); os.environ['PORT'] = str(s.getsockname()[1])
r = subprocess.run(WORDS); time.sleep(0.1); sys.exit(r.returncode)
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
  inside: (_, { stdout }) => assert.equal(stdout, '{1}\n'),
});

attackTest({
  id: 'N41',
  title: 'a port that changes hands again and again, by who bound it inside',
  script: `${CONNECTS}
import threading
port, end = int(os.environ['PORT']), time.monotonic() + 1.5
def listener():
    while time.monotonic() < end:
        s = socket.socket(); s.setsockopt(1, 2, 1)
        try: s.bind(('127.0.0.1', port)); s.listen(50); time.sleep(0.0005); s.shutdown(2)
        except OSError: pass
        s.close()
threading.Thread(target=listener).start()
while time.monotonic() < end: say(port)
`,
  outside: `${OUTSIDE}
s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]; s.close(); os.environ['PORT'] = str(port)
p = subprocess.Popen(WORDS)
while p.poll() is None:
    s = socket.socket(); s.setsockopt(1, 2, 1); s.settimeout(0.002)
    try:
        s.bind(('127.0.0.1', port)); s.listen(50); c = s.accept()[0]; s.close(); c.settimeout(0.2)
        if c.recv(9): open(ROOT + '/heard', 'w').close()
    except OSError: pass
    s.close()
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
});

attackTest({
  id: 'N41',
  title: 'a listener that was handed in, which belongs to who made it',
  script: `${CONNECTS}
print(say(int(os.environ['PORT'])))
`,
  outside: `${OUTSIDE}
s = service('127.0.0.1', 0, False); os.environ['PORT'] = str(s.getsockname()[1])
r = subprocess.run(WORDS, stdin=s); time.sleep(0.1); sys.exit(r.returncode)
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
  inside: (_, { stdout }) => assert.equal(stdout, '1\n'),
});

/** Between a connect and its answer: another sandbox's listener bears the same marks. */
attackTest({
  id: 'N41',
  title: 'a service outside with the marks of a listener inside that shares its port',
  script: `${CONNECTS}
port = int(os.environ['PORT'])
own = socket.socket(); own.setsockopt(1, 15, 1); own.bind(('127.0.0.1', port)); own.listen(50)
print({say(port) for _ in range(40)})
`,
  outside: `${OUTSIDE}
s = service('127.0.0.1', 0, True); os.environ['PORT'] = str(s.getsockname()[1])
for name, to in ((26, 1), (34, 0), (49, 0)): s.setsockopt(0, name, to)
r = subprocess.run(WORDS); time.sleep(0.1); sys.exit(r.returncode)
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
  inside: (_, { stdout }) => assert.equal(stdout, '{1}\n'),
});

attackTest({
  id: 'N41',
  title: 'a service outside with such marks that listens at the port for moments, beside one inside',
  script: `${CONNECTS}
port, end = int(os.environ['PORT']), time.monotonic() + 1.5
own = socket.socket(); own.setsockopt(1, 15, 1); own.bind(('127.0.0.1', port)); own.listen(500)
own.setblocking(False)
while time.monotonic() < end:
    say(port)
    try: own.accept()[0].close()
    except OSError: pass
`,
  outside: `${OUTSIDE}
kept = socket.socket(); kept.setsockopt(1, 15, 1); kept.bind(('127.0.0.1', 0)); port = kept.getsockname()[1]; os.environ['PORT'] = str(port)
p = subprocess.Popen(WORDS)
while p.poll() is None:
    s = socket.socket(); s.setsockopt(1, 15, 1); s.settimeout(0.002)
    for name, to in ((26, 1), (34, 0), (49, 0)): s.setsockopt(0, name, to)
    try:
        s.bind(('127.0.0.1', port)); s.listen(50)
        while True:
            c = s.accept()[0]; c.settimeout(0.2)
            if c.recv(9): open(ROOT + '/heard', 'w').close()
    except OSError: pass
    s.close()
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
});

attackTest({
  id: 'N41',
  title: 'a socket of another network namespace, where somebody else listens at the same port',
  script: `${CONNECTS}
own = socket.socket(); own.bind(('127.0.0.1', 0)); own.listen(50); port = own.getsockname()[1]
away = socket.socket(fileno=os.dup(0))
open(ROOT + '/port', 'w').write(str(port)); os.rename(ROOT + '/port', ROOT + '/a/port')
while not os.path.exists(ROOT + '/a/ready'): time.sleep(0.01)
try: away.connect(('127.0.0.1', port)); away.send(b'out'); away.recv(9)
except OSError as e: print(e.errno)
`,
  outside: `${OUTSIDE}
import array, ctypes, fcntl, struct
a, b = socket.socketpair()
if os.fork() == 0:
    a.close()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 if os.getuid() == 0 else 0x50000000) != 0: os._exit(1)
    s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack('16sH22x', b'lo', 0x49))
    socket.send_fds(b, [b'x'], [s.fileno()])
    while not os.path.exists(ROOT + '/a/port'): time.sleep(0.01)
    l = service('127.0.0.1', int(open(ROOT + '/a/port').read()), False); open(ROOT + '/a/ready', 'w').close()
    b.recv(1); os._exit(0) # once the other end is gone
b.close(); sent = socket.recv_fds(a, 1, 1)[1]
if not sent: print('no namespace'); sys.exit(0)
r = subprocess.run(WORDS, stdin=sent[0]); time.sleep(0.1); sys.exit(r.returncode)
`,
  policy,
  worked: ({ root }) => existsSync(join(root, 'heard')),
  lacking: ({ stdout }) => (stdout.includes('no namespace') ? 'no network namespace can be made' : undefined),
});

const OWN = String.raw`
import json, threading
def deferred():
    server = socket.socket(); server.bind(('127.0.0.1', 0)); server.setsockopt(6, 9, 1); server.listen(5)
    client = socket.create_connection(server.getsockname()); client.sendall(b'own')
    return int(server.accept()[0].recv(9) == b'own')
def reach(family, address, to, wait):
    server = socket.socket(family); server.bind((address, 0)); server.listen(5)
    client = socket.socket(socket.AF_INET6 if ':' in to else socket.AF_INET); client.setblocking(wait)
    said = client.connect_ex((to, server.getsockname()[1])); client.setblocking(True)
    accepted = server.accept()[0]; client.sendall(b'own')
    return said if accepted.recv(9) == b'own' else -1
def full():
    server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0); heard = []
    def one():
        c = socket.create_connection(server.getsockname()); c.sendall(b'x'); heard.append(c)
    threads = [threading.Thread(target=one) for _ in range(4)]
    for t in threads: t.start()
    time.sleep(0.1); bytes = [server.accept()[0].recv(1) for _ in threads]
    for t in threads: t.join()
    return len(bytes)
def at_once():
    server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(50)
    def serve():
        for _ in range(100): c = server.accept()[0]; c.send(b'bye'); c.close()
    t = threading.Thread(target=serve); t.start()
    said = sum(socket.create_connection(server.getsockname()).recv(9) == b'bye' for _ in range(100)); t.join()
    return said
def nobody():
    s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]; s.close()
    return socket.socket().connect_ex(('127.0.0.1', port))
v4, v6 = socket.AF_INET, socket.AF_INET6
print(json.dumps({
  'plain': reach(v4, '127.0.0.1', '127.0.0.1', True), 'no wait': reach(v4, '127.0.0.1', '127.0.0.1', False), 'any': reach(v4, '0.0.0.0', '127.0.0.1', True), 'zero': reach(v4, '0.0.0.0', '0.0.0.0', True),
  'both': reach(v6, '::', '127.0.0.1', True), 'six': reach(v6, '::1', '::1', False), 'mapped': reach(v4, '127.0.0.1', '::ffff:127.0.0.1', True), 'full': full(), 'at once': at_once(), 'nobody': nobody(), 'deferred': deferred(),
}))
`;

for (const options of [['--no-outbound-network'], ['--allowed-ports=1'], ['--allowed-netmasks=10.0.0.0/8']]) {
  insideTest(
    `N41 what listens inside is reached under ${options.join(' ')}`,
    OWN,
    (outcome) => {
      assert.deepEqual(saidBy(outcome), {
        plain: 0,
        'no wait': 115,
        any: 0,
        zero: 0,
        both: 0,
        six: 115,
        mapped: 0,
        full: 4,
        'at once': 100,
        nobody: 111,
        deferred: 1,
      });
    },
    { policy: () => options },
  );
}
