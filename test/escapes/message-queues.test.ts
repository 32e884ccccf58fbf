/** POSIX message queues of others stay as they are; what is made inside is used there, and only that. */
import assert from 'node:assert/strict';
import { isRoot } from '../support/environment.ts';
import { attackTest, insideTest, saidBy } from '../support/escape.ts';

/** What both sides need: calls by number, since the C library may keep its own in another library. */
const CALLS = `
O_CREAT, O_EXCL, O_RDWR, O_WRONLY, O_NONBLOCK = 0o100, 0o200, 2, 1, 0o4000
def attributes(most=4, size=16): return struct.pack('=8q', 0, most, size, 0, 0, 0, 0, 0)
def mq(name, flags, mode=0o600, attr=None): return sc(240, name, flags, mode, attr)
def drop(name): return sc(241, name)
def send(fd, text, priority=0): return sc(242, fd, text, len(text), priority, None)
def take(fd):
    b = ctypes.create_string_buffer(16)
    n = sc(243, fd, b, 16, None, None)
    return b.raw[:n].decode() if n >= 0 else n
`;

/** Somebody outside makes a queue with one message, and says in `o/f` whether it was changed. */
const OUTSIDE = `import subprocess
${CALLS}
name = 'outside%d' % os.getpid()
fd = mq(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0o600, attributes())
assert fd >= 0, fd
send(fd, b'kept')
open(ROOT + '/a/name', 'w').write(name)
try:
    subprocess.run(WORDS)
    again = mq(name, 0)
    there = again >= 0 and os.fstat(again).st_ino == os.fstat(fd).st_ino
    state = (there, take(fd), take(fd))
    if state != (True, 'kept', -11): open(ROOT + '/o/f', 'w').write(repr(state))
finally:
    drop(name)`;

const BEGIN = `${CALLS}
name = open(ROOT + '/a/name').read()
`;

const WAYS = {
  'takes a message': `take(mq(name, O_NONBLOCK))`,
  'sends a message': `send(mq(name, O_WRONLY | O_NONBLOCK), b'gone')`,
  'sends a message, opened with O_CREAT': `send(mq(name, O_WRONLY | O_NONBLOCK | O_CREAT, 0o600, attributes()), b'gone')`,
  'opened from a thread': `t = threading.Thread(target=lambda: take(mq(name, O_RDWR | O_NONBLOCK))); t.start(); t.join()`,
  'opened from a child': `in_child(lambda: take(mq(name, O_RDWR | O_NONBLOCK)) and 0)`,
  'removes it': `drop(name)`,
  'removes it, and makes another': `drop(name); mq(name, O_CREAT | O_RDWR, 0o600, attributes())`,
};

for (const [way, script] of Object.entries(WAYS)) {
  attackTest({
    id: 'F44',
    title: `a message queue of somebody else: ${way}`,
    outside: OUTSIDE,
    script: BEGIN + script,
    policy: ({ a }) => ['--verbose', `--write-allow=${a}`],
    inside: (_ground, { stderr }) => assert.match(stderr, /mq_(?:open|unlink): EACCES/),
  });
}

attackTest({
  id: 'F44',
  title: 'message queues that the policy opens',
  natively: 'nothing is attacked',
  outside: OUTSIDE,
  script: `${BEGIN}
fd = mq(name, O_RDWR | O_NONBLOCK)
print(json.dumps([os.path.exists('/dev/mqueue/' + name), take(fd), send(fd, b'kept'), fd >= 0]))`,
  policy: ({ a }) => [`--write-allow=${a}`, '--write-allow=/dev/mqueue'],
  inside: (_ground, { stdout }) => {
    const [isMounted, ...rest]: unknown[] = JSON.parse(stdout);
    assert.deepEqual(rest, isMounted === true ? ['kept', 0, true] : [-9, -9, false]);
  },
});

attackTest({
  id: 'F44',
  title: 'a name that was the sandbox’s own is now that of a queue of somebody else',
  outside: `import subprocess
${CALLS}
p = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
name = p.stdout.readline().strip()
assert drop(name) == 0
fd = mq(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0o600, attributes())
send(fd, b'kept')
p.communicate('')
try:
    state = (mq(name, 0) >= 0, take(fd), take(fd))
    if state != (True, 'kept', -11): open(ROOT + '/o/f', 'w').write(repr(state))
finally:
    drop(name)`,
  script: `${CALLS}
name = 'inside%d' % os.getpid()
own = mq(name, O_CREAT | O_EXCL | O_RDWR, 0o600, attributes())
print(name, flush=True)
sys.stdin.read()
fd = mq(name, O_RDWR | O_NONBLOCK)
take(fd); send(fd, b'gone'); drop(name)`,
});

insideTest(
  'F44 message queues that are made inside are used there, and removed',
  `${CALLS}
import fcntl
name = 'own%d' % os.getpid()
os.umask(0o027)
fd = mq(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0o666, attributes())
facts = [oct(os.fstat(fd).st_mode), fcntl.fcntl(fd, fcntl.F_GETFD), oct(fcntl.fcntl(fd, fcntl.F_GETFL))]
exclusive = mq(name, O_CREAT | O_EXCL)
def child():
    own = mq(name, O_CREAT | O_WRONLY, 0o600, attributes(1, 1))
    return -send(own, b'told', 3) if own >= 0 else 1
code = in_child(child)
got, empty = take(fd), take(fd)
attr = ctypes.create_string_buffer(64)
sc(245, fd, None, attr)
hits = []
signal.signal(signal.SIGUSR1, lambda *a: hits.append(a[0]))
notified = sc(244, fd, struct.pack('=Qii', 7, signal.SIGUSR1, 0) + bytes(48))
send(fd, b'x')
removed = [drop(name), drop(name), mq(name, O_RDWR)]
# A limit of eight or so: it is charged only as long as a queue is used.
many = []
for _ in range(40):
    made = mq(name, O_CREAT | O_EXCL | O_RDWR)
    many.append(min(made, 0)); os.close(made); drop(name)
say(facts=facts, exclusive=exclusive, code=code, got=got, empty=empty, attr=struct.unpack('=8q', attr.raw)[:4], notified=notified, hits=hits, removed=removed, many=sum(many), left=take(fd))`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      facts: ['0o100640', 1, '0o4002'],
      exclusive: -17,
      code: 0,
      got: 'told',
      empty: -11,
      attr: [0o4000, 4, 16, 0],
      notified: 0,
      hits: [10],
      removed: [0, -2, -2],
      many: 0,
      left: 'x',
    }),
);

/** Landlock knows no place of a queue, and has let nobody write to one. */
insideTest(
  'F44 where files are not restricted message queues are used as natively',
  `${CALLS}
name = 'free%d' % os.getpid()
fd = mq(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0o600, attributes())
again = mq(name, O_WRONLY)
say(sent=send(again, b'text'), got=take(fd), removed=drop(name), gone=mq(name, O_RDWR))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { sent: 0, got: 'text', removed: 0, gone: -2 }),
  { policy: () => ['--no-outbound-network'] },
);

insideTest(
  'F44 message queues of a process that has given up root are its own user’s',
  `${CALLS}
mine, theirs = 'mine%d' % os.getpid(), 'theirs%d' % os.getpid()
fd = mq(mine, O_CREAT | O_EXCL | O_RDWR, 0o600, attributes())
def child():
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
    made = mq(theirs, O_CREAT | O_EXCL | O_RDWR, 0o600, attributes())
    return 0 if (made >= 0, mq(mine, O_RDWR), drop(mine), os.fstat(made).st_uid) == (True, -13, -1, 65534) else 1
code = in_child(child)
say(code=code, fd=min(fd, 0), removed=drop(mine), others=drop(theirs))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { code: 0, fd: 0, removed: 0, others: 0 }),
  { skip: isRoot ? undefined : 'only root can change to another user' },
);
