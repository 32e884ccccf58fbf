/** System V objects of others stay as they are; what is made inside is used, and only that. */
import assert from 'node:assert/strict';
import { attackTest, insideTest, saidBy } from '../support/escape.ts';

/** Somebody outside makes one of each, and says in `o/f` whether one was changed. */
const OUTSIDE = `import subprocess, random
libc.shmat.restype = ctypes.c_void_p
key = random.randrange(1 << 20, 1 << 30)
shm, sem, msg = sc(29, key, 4096, 0o1600), sc(64, key, 1, 0o1600), sc(68, key, 0o1600)
assert min(shm, sem, msg) >= 0
memory = libc.shmat(shm, None, 0)
sc(69, msg, struct.pack('=q4s', 1, b'kept'), 4, 0)
json.dump([key, shm, sem, msg], open(ROOT + '/a/ids', 'w'))
try:
    subprocess.run(WORDS)
    status = ctypes.create_string_buffer(256)
    there = [sc(29, key, 0, 0) - shm, sc(31, shm, 2, status), sc(66, sem, 0, 2, bytes(256)), sc(71, msg, 2, bytes(256))]
    mode = struct.unpack_from('=I', status, 20)[0] & 0o777
    state = (ctypes.string_at(memory, 4), sc(66, sem, 0, 12), sc(70, msg, bytes(64), 56, 0, 0o4000), any(there), mode)
    if state != (b'\\0\\0\\0\\0', 0, 4, False, 0o600): open(ROOT + '/o/f', 'w').write(repr(state))
finally:
    sc(31, shm, 0, 0); sc(66, sem, 0, 0); sc(71, msg, 0, 0)`;

const BEGIN = `key, shm, sem, msg = json.load(open(ROOT + '/a/ids'))
libc.shmat.restype = ctypes.c_void_p
def attach(id):
    at = libc.shmat(id, None, 0)
    if at not in (None, 2**64 - 1): ctypes.memmove(at, b'gone', 4)
`;

const WAYS = {
  'writes shared memory, by id': `attach(shm)`,
  'writes shared memory, by key': `attach(sc(29, key, 4096, 0))`,
  'writes shared memory, by key with IPC_CREAT': `attach(sc(29, key, 4096, 0o1600))`,
  'writes shared memory from a child': `in_child(lambda: attach(shm) or 0)`,
  'writes shared memory from a thread': `t = threading.Thread(target=attach, args=(shm,)); t.start(); t.join()`,
  'removes shared memory': `sc(31, shm, 0, 0)`,
  'opens shared memory to all': `b = ctypes.create_string_buffer(256); sc(31, shm, 2, b); struct.pack_into('=I', b, 20, 0o666); sc(31, shm, 1, b)`,
  'changes a semaphore': `sc(65, sem, struct.pack('=HhH', 0, 1, 0), 1)`,
  'changes a semaphore, semtimedop': `sc(220, sem, struct.pack('=HhH', 0, 1, 0), 1, 0)`,
  'sets a semaphore': `sc(66, sem, 0, 16, 5)`,
  'removes semaphores': `sc(66, sem, 0, 0)`,
  'takes a message': `sc(70, msg, bytes(64), 56, 0, 0o4000)`,
  'puts a message before': `sc(69, msg, struct.pack('=q8s', 1, b'gone1234'), 8, 0); sc(70, msg, bytes(64), 56, 0, 0o4000)`,
  'removes a queue': `sc(71, msg, 0, 0)`,
};

for (const [way, script] of Object.entries(WAYS)) {
  attackTest({
    id: 'F44',
    title: `System V, of somebody else: ${way}`,
    outside: OUTSIDE,
    script: BEGIN + script,
  });
}

/** In an IPC namespace of its own somebody outside removes what was made inside, and gets the same number for something else. */
const NUMBER_AGAIN = `import subprocess
if libc.unshare(0x08000000): sys.exit('no namespace')
libc.shmat.restype = ctypes.c_void_p
p = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
shm, sem = json.loads(p.stdout.readline())
sc(31, shm, 0, 0); sc(66, sem, 0, 0)
open('/proc/sys/kernel/shm_next_id', 'w').write(str(shm))
open('/proc/sys/kernel/sem_next_id', 'w').write(str(sem))
again = (sc(29, 0x77, 4096, 0o1600), sc(64, 0x78, 1, 0o1600))
if again != (shm, sem): sys.exit('no such number')
memory = libc.shmat(shm, None, 0)
p.communicate('')
state = (ctypes.string_at(memory, 4), sc(66, sem, 0, 12))
if state != (b'\\0\\0\\0\\0', 0): open(ROOT + '/o/f', 'w').write(repr(state))`;

attackTest({
  id: 'F44',
  title: 'System V: the number of an object that was made inside is given to another',
  outside: NUMBER_AGAIN,
  script: `libc.shmat.restype = ctypes.c_void_p
shm, sem = sc(29, 0x77, 4096, 0o1600), sc(64, 0x77, 1, 0o1600)
print(json.dumps([shm, sem]), flush=True)
sys.stdin.read()
sc(65, sem, struct.pack('=HhH', 0, 1, 0), 1)
at = libc.shmat(shm, None, 0)
if at not in (None, 2**64 - 1): ctypes.memmove(at, b'gone', 4)`,
  lacking: ({ stderr }) => (/no namespace|no such number|ermission/.test(stderr) ? 'needs root' : undefined),
});

/** The same command twice: two sandboxes, of one service where there is one. */
attackTest({
  id: 'F44',
  title: 'System V objects and message queues of another sandbox',
  outside: `import subprocess
first = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
said = first.stdout.readline()
open(ROOT + '/a/said', 'w').write(said)
subprocess.run(WORDS)
state = json.loads(first.communicate('')[0])
if state != [0, 0, 'kept']: open(ROOT + '/o/f', 'w').write(repr(state))`,
  script: `libc.shmat.restype = ctypes.c_void_p
def take(queue):
    text = ctypes.create_string_buffer(8192)
    length = sc(243, queue, text, 8192, None, None)
    return text.raw[:max(length, 0)].decode()
if os.path.exists(ROOT + '/a/said'):
    shm, sem, name = json.load(open(ROOT + '/a/said'))
    at = libc.shmat(shm, None, 0)
    if at not in (None, 2**64 - 1): ctypes.memmove(at, b'gone', 4)
    sc(65, sem, struct.pack('=HhH', 0, 1, 0), 1)
    take(sc(240, name, 0o4000))
else:
    shm, sem, name = sc(29, 0, 4096, 0o1600), sc(64, 0, 1, 0o1600), 'sandbox%d' % os.getpid()
    at, queue = libc.shmat(shm, None, 0), sc(240, name, 0o4302, 0o600)
    sc(242, queue, b'kept', 4, 0, None)
    print(json.dumps([shm, sem, name]), flush=True)
    sys.stdin.read()
    print(json.dumps([struct.unpack('=I', ctypes.string_at(at, 4))[0], sc(66, sem, 0, 12), take(queue)]))
    sc(31, shm, 0, 0); sc(66, sem, 0, 0); sc(241, name)`,
});

insideTest(
  'F44 System V objects that are made inside are used there, and removed',
  `libc.shmat.restype = ctypes.c_void_p
key = 0x5ec00000 + os.getpid() * 4 % 0xfffff
op = lambda n: struct.pack('=HhH', 0, n, 0)
shm, sem, msg = sc(29, key, 4096, 0o3600), sc(64, key, 1, 0o3600), sc(68, key, 0o3600)
again = [sc(29, key, 4096, 0) == shm, sc(64, key, 1, 0o1600) == sem, sc(68, key, 0) == msg]
exclusive = [sc(29, key, 4096, 0o3600), sc(64, key, 1, 0o3600), sc(68, key, 0o3600)]
at = libc.shmat(shm, None, 0)
def child():
    mine = libc.shmat(shm, None, 0)
    ctypes.memmove(mine, b'told', 4)
    sc(69, msg, struct.pack('=q4s', 1, b'more'), 4, 0)
    return -sc(65, sem, op(1), 1)
code = in_child(child)
waited = sc(65, sem, op(-1), 1)
got = ctypes.create_string_buffer(64)
length = sc(70, msg, got, 56, 0, 0)
removed = [sc(31, shm, 0, 0), sc(66, sem, 0, 0), sc(71, msg, 0, 0)]
attached = libc.shmat(shm, None, 0) not in (None, 2**64 - 1)
gone = [sc(29, key, 0, 0), sc(65, sem, op(1), 1), sc(69, msg, struct.pack('=q4s', 1, b'more'), 4, 0)]
say(again=again, exclusive=exclusive, code=code, waited=waited, text=ctypes.string_at(at, 4).decode(), length=length, message=got.raw[8:12].decode(), removed=removed, attached=attached, gone=gone)`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      again: [true, true, true],
      exclusive: [-17, -17, -17],
      code: 0,
      waited: 0,
      text: 'told',
      length: 4,
      message: 'more',
      removed: [0, 0, 0],
      attached: true,
      gone: [-2, -22, -22],
    }),
);

/** Errors are those of the kernel, but for what another has made, which is EACCES as if its owner had closed it. */
insideTest(
  'F44 System V errors: no such object, no such key, bad sizes',
  `say(errors=[sc(30, 0x7fffffff, 0, 0), sc(30, -1, 0, 0), sc(65, -1, struct.pack('=HhH', 0, 1, 0), 1), sc(71, 0x7fffffff, 0, 0), sc(29, 0x5ec0dead, 1, 0), sc(64, 0x5ec0dead, 1, 0), sc(68, 0x5ec0dead, 0), sc(29, 0x5ec0dead, 0, 0o1600), sc(64, 0x5ec0dead, -1, 0o1600), sc(64, 0x5ec0dead, 0, 0o1600)])`,
  (outcome) => assert.deepEqual(saidBy(outcome), { errors: [-22, -22, -22, -22, -2, -2, -2, -22, -22, -22] }),
);
