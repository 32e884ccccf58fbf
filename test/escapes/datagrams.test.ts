/**
 * Datagrams to this host under a network policy: what got its port inside is reached from inside, told by socket. A datagram is gone when it
 * is sent, so each attack here has a socket inside at a port, and somebody outside who takes that port, or comes to share it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { attackTest, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { run } from '../support/run.ts';

/** Outside: takes the ports that are asked for by files `want-NAME`, says so by `bound-NAME`, and notes what it gets by `heard-NAME`. */
const OUTSIDE = String.raw`
import subprocess
ended = threading.Event()
def take(name, address, port, reuse):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.05)
    while not ended.is_set():
        if reuse: s.setsockopt(1, 2, 1)
        try: s.bind((address, port)); break
        except OSError: time.sleep(0.0005)
    open(f'{ROOT}/bound-{name}', 'w').close()
    while not ended.is_set():
        try: open(f'{ROOT}/heard-{s.recv(99).decode()}', 'w').close()
        except OSError: pass
def watch():
    seen = set()
    while not ended.is_set():
        for name in {n for n in os.listdir(ROOT) if n.startswith('want-')} - seen:
            seen.add(name); threading.Thread(target=take, args=(name[5:], *json.load(open(f'{ROOT}/{name}'))), daemon=True).start()
        time.sleep(0.005)
threading.Thread(target=watch, daemon=True).start()
given = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); given.bind(('127.0.0.1', 0))
def hear_given():
    while True: open(f'{ROOT}/heard-{given.recv(99).decode()}', 'w').close()
threading.Thread(target=hear_given, daemon=True).start()
r = subprocess.run(WORDS, stdin=given); time.sleep(0.1); ended.set(); sys.exit(r.returncode)
`;

const TOOLS = String.raw`
CORK, MORE = (17, 1), 0x8000
def want(name, port, address='127.0.0.1', reuse=False, wait=0.3):
    "Somebody outside is to have the port; where it is held he does not get it."
    with open(f'{ROOT}/w-{name}', 'w') as f: json.dump([address, port, reuse], f)
    os.rename(f'{ROOT}/w-{name}', f'{ROOT}/want-{name}')
    end = time.monotonic() + wait
    while not os.path.exists(f'{ROOT}/bound-{name}') and time.monotonic() < end: time.sleep(0.002)
def udp(address=None, family=socket.AF_INET, reuse=False):
    s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(1)
    if reuse: s.setsockopt(1, 2, 1)
    if address is not None: s.bind((address, 0))
    return s
def port(s): return s.getsockname()[1]
def pair(address='127.0.0.1', to=None):
    "A receiver, and who is connected to it."
    receiver, sender = udp(address), udp(); sender.connect((to or address, port(receiver)))
    return receiver, sender, port(receiver)
def leave(s): return sc(42, s.fileno(), bytes(16), 16)
def others():
    "Calls that make the supervisor look who is still needed."
    for _ in range(3): udp('127.0.0.1').close()
`;

/** Each sends its own name once, or again and again, to who took the port. */
const ATTACKS: Readonly<Record<string, string>> = {
  // The socket that a send is about to go to has been closed.
  closed: `
receiver = udp('127.0.0.1'); to = receiver.getsockname(); sender = udp(); sender.sendto(b'own', to); receiver.close()
want('closed', to[1]); sender.sendto(b'closed', to)`,
  connected: `
receiver, sender, p = pair(); receiver.close(); others(); want('connected', p); sender.send(b'connected')`,
  // Held back, and sent when the port is another's.
  corked: `
receiver = udp('127.0.0.1'); to = receiver.getsockname(); sender = udp(); sender.setsockopt(*CORK, 1); sender.sendto(b'corked', to)
receiver.close(); want('corked', to[1]); sender.setsockopt(*CORK, 0)`,
  more: `
receiver = udp('127.0.0.1'); to = receiver.getsockname(); sender = udp(); sender.sendto(b'more', MORE, to)
receiver.close(); want('more', to[1]); sender.setsockopt(*CORK, 0)`,
  // The same by a connection that is given up meanwhile.
  left: `
receiver, sender, p = pair(); sender.send(b'left', MORE); leave(sender); receiver.close(); others()
want('left', p); sender.setsockopt(*CORK, 0)`,
  moved: `
receiver, sender, other = (udp(a, family=socket.AF_INET6) for a in ('::1', None, '::1')); p = port(receiver); sender.connect(('::1', p)); sender.send(b'moved', MORE)
sender.connect(other.getsockname()[:2]); receiver.close(); others(); want('moved', p, '::1'); sender.setsockopt(*CORK, 0)`,
  // A receiver that has its port from the kernel loses it when it is disconnected.
  unbound: `
receiver = udp('127.0.0.1'); first = udp(); first.sendto(b'own', receiver.getsockname()); p = port(first)
sender = udp(); sender.connect(('127.0.0.1', p)); leave(first); want('unbound', p); sender.send(b'unbound')`,
  // One at every address that is connected is at one address.
  moves: `
receiver, sender, p = pair('0.0.0.0', '127.0.0.3'); other = udp('127.0.0.1'); receiver.connect(other.getsockname())
want('moves', p, '127.0.0.3'); sender.send(b'moves')`,
  // One that is no member's any more, but on its way to one.
  queued: `
import array
one, two = socket.socketpair(); receiver, sender, p = pair(); back = sender.getsockname(); receiver.connect(back)
one.sendmsg([b'x'], [(1, 1, array.array('i', [sender.fileno()]))]); sender.close(); receiver.close(); others()
want('queued', p); sender = socket.socket(fileno=socket.recv_fds(two, 1, 1)[1][0]); sender.send(b'queued')`,
  // Both listen at the port, by the leave of the one inside.
  shared: `
receiver = udp('127.0.0.1', reuse=True); to = receiver.getsockname(); want('shared', to[1], reuse=True, wait=2); udp().sendto(b'shared', to)`,
  'shared-later': `
receiver, sender, p = pair(); receiver.setsockopt(1, 2, 1); want('shared-later', p, reuse=True); sender.send(b'shared-later')`,
  // Counts as IPv4 by its last bytes alone.
  alike: `
p = port(udp('127.0.0.1')); fake = udp(family=socket.AF_INET6)
try: fake.bind(('ff05::7f00:1', p))
except OSError: pass
want('alike', p); udp().sendto(b'alike', ('127.0.0.1', p))`,
  given: `
given = socket.socket(fileno=os.dup(0)); p = port(given); given.setsockopt(1, 2, 0); udp().sendto(b'given', ('127.0.0.1', p))`,
};
const NAMES = Object.keys(ATTACKS);

const SCRIPT = `${TOOLS}
${Object.entries(ATTACKS)
  .map(([name, code]) => {
    const body = code.trim().replaceAll('\n', '\n    ');
    return `def attack_${name.replace('-', '_')}():\n    ${body}\ntry: attack_${name.replace('-', '_')}()\nexcept OSError as error: print('${name}', error)`;
  })
  .join('\n')}
`;

function heardIn(root: string): string[] {
  return readdirSync(root)
    .filter((name) => name.startsWith('heard-'))
    .map((name) => name.slice('heard-'.length))
    .toSorted();
}

void test(`N42 datagrams to ports that changed hands: natively each arrives (${who})`, async (t) => {
  const { root, a } = makeGround(t);
  const words = python(SCRIPT, root);
  const outcome = await run(python(`WORDS = sys.argv[2:]\n${OUTSIDE}`, root, ...words), { cwd: a });
  assert.deepEqual(heardIn(root), NAMES.toSorted(), JSON.stringify(outcome));
});

attackTest({
  id: 'N42',
  title: 'datagrams to ports that changed hands',
  script: SCRIPT,
  outside: OUTSIDE,
  policy: () => ['--no-outbound-network'],
  worked: ({ root }) => heardIn(root).length > 0,
});

/** The port is given up, taken and shared for moments, again and again. */
attackTest({
  id: 'N42',
  title: 'a port that somebody outside takes or shares for moments, while it is sent to',
  script: `${TOOLS}
p, end = int(os.environ['PORT']), time.monotonic() + 1.2
to = ('127.0.0.1', p)
def own():
    while time.monotonic() < end:
        s = udp(reuse=True)
        try: s.bind(to); [s.setsockopt(1, 2, n % 2) for n in range(40)]; s.setsockopt(1, 2, 1); time.sleep(0.0005)
        except OSError: pass
        s.close()
threading.Thread(target=own).start()
sender = udp()
while time.monotonic() < end:
    for call in (lambda: sender.sendto(b'moment', to), lambda: sender.connect(to), lambda: sender.send(b'moment')):
        try: call()
        except OSError: pass
`,
  outside: String.raw`
import subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); p = s.getsockname()[1]; s.close(); os.environ['PORT'] = str(p)
child = subprocess.Popen(WORDS)
while child.poll() is None:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(1, 2, 1); s.settimeout(0.001)
    try: s.bind(('127.0.0.1', p)); s.recv(9); open(ROOT + '/heard', 'w').close()
    except OSError: pass
    s.close()
`,
  policy: () => ['--no-outbound-network'],
  worked: ({ root }) => existsSync(`${root}/heard`),
});

/** A name service and those who ask it, in every way that programs do. */
const OWN = String.raw`
import subprocess
v4, v6 = socket.AF_INET, socket.AF_INET6
def udp(family=v4): s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); return s
def serve(family, address, answers=1):
    server = udp(family); server.bind((address, 0))
    def loop():
        for _ in range(answers): question, who = server.recvfrom(999); server.sendto(question.upper(), who)
    threading.Thread(target=loop).start()
    return server
def ask(family, address, to, connected, ask_by='send'):
    server = serve(family, address); at = (to, server.getsockname()[1]); client = udp(v6 if ':' in to else v4)
    if connected: client.connect(at)
    if ask_by == 'send': client.send(b'name') if connected else client.sendto(b'name', at)
    elif ask_by == 'sendmsg': client.sendmsg([b'na', b'me'], [], 0, at)
    answer, who = client.recvfrom(999)
    return int(answer == b'NAME' and who[:2] == at)
def many():
    server = serve(v4, '127.0.0.1', 300); client = udp(); heard = 0
    for n in range(300): client.sendto(b'q%d' % n, server.getsockname()); heard += client.recv(99) == b'Q%d' % n
    return heard
def by_child():
    server = udp(); server.bind(('127.0.0.1', 0))
    if os.fork() == 0:
        if os.fork() == 0: question, who = server.recvfrom(99); server.sendto(b'from ' + question, who)
        os._exit(0)
    at = server.getsockname(); server.close(); os.wait(); client = udp(); client.sendto(b'c', at); return int(client.recv(99) == b'from c')
def other_process():
    server = subprocess.Popen([sys.executable, '-c', '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
q, who = s.recvfrom(99); s.sendto(q[::-1], who)'''], stdout=subprocess.PIPE)
    client = udp(); client.connect(('127.0.0.1', int(server.stdout.readline()))); client.send(b'abc'); answer = client.recv(9); server.wait(); return int(answer == b'cba')
def both():
    a, b = udp(), udp(); a.bind(('127.0.0.1', 0)); b.bind(('127.0.0.1', 0)); a.connect(b.getsockname()); b.connect(a.getsockname())
    a.send(b'to b'); b.send(b'to a'); return int((a.recv(9), b.recv(9)) == (b'to a', b'to b'))
def again():
    "The same ports, once more and for another server while somebody is connected."
    at = None
    for _ in range(3):
        server = udp(); server.bind(at or ('127.0.0.1', 0)); at = server.getsockname(); client = udp(); client.connect(at); client.send(b'x'); assert server.recv(9) == b'x'; server.close()
        kept = client
    server = udp(); server.bind(at); kept.send(b'y'); said = server.recv(9) == b'y'; server.close(); kept.close()
    server = udp(); server.bind(at); return int(said)
def shared():
    one, two, sender = udp(), udp(), udp()
    for s in (one, two): s.setsockopt(1, 2, 1)
    one.bind(('127.0.0.1', 0)); two.bind(one.getsockname()); sender.sendto(b'x', one.getsockname()); sender.connect(one.getsockname()); sender.send(b'y')
    return int((two.recv(9), two.recv(9)) == (b'x', b'y'))
def nobody():
    s = udp(); s.bind(('127.0.0.1', 0)); at = s.getsockname(); s.close()
    try: return udp().sendto(b'lost', at)
    except OSError as error: return error.errno
def gone():
    # The other port while this one is taken: it would else be the same by chance.
    s = udp(); s.bind(('127.0.0.1', 0)); at = s.getsockname(); c = udp(); c.bind(('127.0.0.1', 0)); s.close()
    try: c.connect(at); c.send(b'x'); c.recv(9)
    except OSError as error: return error.errno
def large(): server, client = udp(), udp(); server.bind(('127.0.0.1', 0)); client.sendto(bytes(60000), server.getsockname()); return len(server.recv(65536))
def unbound_listener():
    server = socket.socket(); server.listen(5); client = socket.create_connection(('127.0.0.1', server.getsockname()[1])); c = server.accept()[0]
    client.sendall(b'own'); return int(c.recv(9) == b'own')
print(json.dumps({
  'unconnected': ask(v4, '127.0.0.1', '127.0.0.1', False), 'connected': ask(v4, '127.0.0.1', '127.0.0.1', True), 'message': ask(v4, '127.0.0.1', '127.0.0.1', False, 'sendmsg'), 'any': ask(v4, '0.0.0.0', '127.0.0.1', True),
  'both': ask(v6, '::', '127.0.0.1', False), 'six': ask(v6, '::1', '::1', True), 'six, any': ask(v6, '::', '::1', False), 'mapped': ask(v4, '127.0.0.1', '::ffff:127.0.0.1', True),
  'many': many(), 'child': by_child(), 'process': other_process(), 'pair': both(), 'again': again(), 'shared': shared(), 'nobody': nobody(), 'gone': gone(), 'large': large(), 'listener': unbound_listener(),
}))
`;

for (const options of [['--no-outbound-network'], ['--allowed-netmasks=10.0.0.0/8']]) {
  insideTest(
    `N42 what is bound inside gets datagrams from inside under ${options.join(' ')}`,
    OWN,
    (outcome) => {
      const { many, nobody, gone, large, ...rest } = saidBy(outcome);
      // Natively what is sent to nobody is lost.
      assert.deepEqual({ many, nobody, gone, large }, { many: 300, nobody: 1, gone: 111, large: 60000 });
      assert.deepEqual(new Set(Object.values(rest)), new Set([1]), JSON.stringify(rest));
    },
    { policy: () => options },
  );
}

void test(`N42 natively the same is said (${who})`, async (t) => {
  const { root, a } = makeGround(t);
  const { many, nobody, gone, large, ...rest } = saidBy(await run(python(OWN, root), { cwd: a }));
  assert.deepEqual({ many, nobody, gone, large }, { many: 300, nobody: 4, gone: 111, large: 60000 });
  assert.deepEqual(new Set(Object.values(rest)), new Set([1]), JSON.stringify(rest));
});
