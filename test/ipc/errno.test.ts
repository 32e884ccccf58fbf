/**
 * System V objects and message queues with odd keys, numbers, sizes, flags and memory: results and errors are those of the kernel, in
 * its order. What somebody else made is EACCES, behind the errors that come before it is found.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';

/** Natively root can do more than inside: without those rights it is the same kernel that answers. */
const WITHOUT_RIGHTS = `
KEPT_RIGHTS = sum(1 << n for n in (0, 1, 3, 4, 5, 6, 7, 10))
header, rights = struct.pack('=Ii', 0x20080522, 0), ctypes.create_string_buffer(24)
h = ctypes.create_string_buffer(header)
sc(125, h, rights)
effective, permitted, _, _, _, _ = struct.unpack('=6I', rights.raw)
struct.pack_into('=6I', rights, 0, effective & KEPT_RIGHTS, permitted & KEPT_RIGHTS, 0, 0, 0, 0)
assert sc(126, h, rights) == 0
rows = {}
BAD, NOTHING = 8, None
def row(title, result, undo=None):
    assert title not in rows, title
    rows[title] = 'ok' if result >= 0 else -result
    if result >= 0 and undo: undo(result)
    return result
`;

const SYSTEM_V = `${WITHOUT_RIGHTS}
key, mode = int(sys.argv[2]), sys.argv[3]
CREAT, EXCL, NOWAIT = 0o1000, 0o2000, 0o4000
libc.shmdt.argtypes = [ctypes.c_void_p]
if mode == 'outside': shm, sem, msg = json.loads(sys.argv[4])
else: shm, sem, msg = sc(29, key, 4096, CREAT | 0o600), sc(64, key, 2, CREAT | 0o600), sc(68, key, CREAT | 0o600)
assert min(shm, sem, msg) >= 0
drop = {'shm': lambda id: sc(31, id, 0, 0), 'sem': lambda id: sc(66, id, 0, 0), 'msg': lambda id: sc(71, id, 0, 0)}
FLAGS = [0, CREAT, CREAT | EXCL, EXCL, CREAT | 0o600, CREAT | EXCL | 0o600, 0o777, -1, CREAT | 0o4000, CREAT | 0o10000, 1 << 30]
if mode == 'own':
    for name, k in (('private', 0), ('free', key + 1), ('own', key)):
        made = lambda kind: drop[kind] if name != 'own' else None
        for f in FLAGS:
            for size in (0, 1, 4096, 5000, -1, 1 << 62): row(f'shmget {name} {size} {f}', sc(29, k, size, f), made('shm'))
            for n in (0, 1, 2, 3, -1, 32001): row(f'semget {name} {n} {f}', sc(64, k, n, f), made('sem'))
            row(f'msgget {name} {f}', sc(68, k, f), made('msg'))
op = lambda number, change, flags=NOWAIT: struct.pack('=HhH', number, change, flags)
time_in = lambda seconds, rest: struct.pack('=qq', seconds, rest)
IDS = [('this', 0), ('next', 0x8000), ('wrong', None), ('minus', -1), ('least', -2**31), ('most', 2**31 - 1)]
def ids(own): return [(title, 12345678 if more is None else more if title in ('minus', 'least', 'most') else own + more) for title, more in IDS]
for title, id in ids(sem):
    for number, ops in (('good', op(0, 1)), ('waits', op(0, -9)), ('beyond', op(5, 1)), ('bad', BAD), ('nothing', NOTHING)):
        for n in (0, 1, 2, 501, -1):
            if n == 1 or number in ('good', 'bad'):
                row(f'semop {title} {number} {n}', sc(65, id, ops + op(0, 0) if n == 2 and number == 'good' else ops, n))
    for what, time in (('none', None), ('bad', BAD), ('wrong', time_in(0, -1)), ('good', time_in(0, 1))): row(f'semtimedop {title} {what}', sc(220, id, op(0, -9, 0 if what == 'good' else NOWAIT), 1, time))
    for command in [*range(1, 24), 0x100 | 16, -1, 999]:
        for n in (0, 2, -1):
            for what, arg in (('zero', 0), ('bad', BAD), ('memory', bytes(256)), ('much', 40000)):
                # With memory of nobody's these change an owner; with a huge number a value.
                if command == 1 and what == 'memory' or command != 16 and what == 'much' or command in (13, 17) and what == 'zero': continue
                row(f'semctl {title} {n} {command} {what}', sc(66, id, n, command, arg))
for title, id in ids(msg):
    for type in (0, 1, -1):
        for size in (0, 4, 8193, -1): row(f'msgsnd {title} {type} {size}', sc(69, id, struct.pack('=q4s', type, b'text') + bytes(8192), size, NOWAIT))
    for what, text in (('bad', BAD), ('nothing', NOTHING)): row(f'msgsnd {title} {what}', sc(69, id, text, 4, NOWAIT))
    for flags in (NOWAIT, NOWAIT | 0o10000, NOWAIT | 0o20000, 0o40000, NOWAIT | 0o40000, NOWAIT | 0o60000):
        for size in (0, 64, -1): row(f'msgrcv {title} {size} {flags}', sc(70, id, bytes(128), size, 99, flags))
    row(f'msgrcv {title} bad', sc(70, id, BAD, 64, 99, NOWAIT))
    for command in [*range(1, 20), -1, 999]:
        for what, arg in (('zero', 0), ('bad', BAD), ('memory', bytes(256))):
            if command != 1 or what != 'memory': row(f'msgctl {title} {command} {what}', sc(71, id, command, arg))
for title, id in ids(shm):
    for at in (0, 1, 0x1000, 0x10001, 0x7ffffffff000, 1 << 60):
        for flags in (0, 0o10000, 0o20000, 0o40000, 0o100000):
            if at != 0x1000 or flags != 0o40000: row(f'shmat {title} {at:x} {flags}', sc(30, id, at, flags), libc.shmdt)
    for command in [*range(1, 20), -1, 999]:
        for what, arg in (('zero', 0), ('bad', BAD), ('memory', bytes(256))):
            if command != 1 or what != 'memory': row(f'shmctl {title} {command} {what}', sc(31, id, command, arg))
    row(f'shmdt {title}', sc(67, 4096))
if mode == 'own':
    for title, id in ids(sem)[1:] + ids(sem)[:1]: row(f'semctl {title} removes', sc(66, id, 0, 0)); row(f'semctl {title} removes again', sc(66, id, 0, 0))
    for title, id in ids(msg)[1:] + ids(msg)[:1]: row(f'msgctl {title} removes', sc(71, id, 0)); row(f'msgctl {title} removes again', sc(71, id, 0))
    for title, id in ids(shm)[1:] + ids(shm)[:1]: row(f'shmctl {title} removes', sc(31, id, 0)); row(f'shmctl {title} removes again', sc(31, id, 0))
say(**rows)`;

const QUEUES = `${WITHOUT_RIGHTS}
import resource
mode, own = sys.argv[3], 'errno%s' % sys.argv[2]
def mq(name, flags, mode=0o600, attr=None): return sc(240, name, flags, mode, attr)
if mode == 'outside': own = sys.argv[4]
FLAGS = [0, 1, 2, 3, 0o100, 0o101, 0o102, 0o103, 0o200, 0o302, 0o4102, 0o1102, 0o40102, 0o200000, 0o2000002, -1 & ~0o10000000]
attr = lambda most, size: struct.pack('=8q', 0, most, size, 0, 0, 0, 0, 0)
shut = lambda fd: os.close(fd)
NAMES = [('empty', b''), ('dot', b'.'), ('dots', b'..'), ('slash', b'a/b'), ('rooted', b'/a'), ('long', b'x' * 256), ('path', b'x' * 5000), ('bad', BAD), ('nothing', NOTHING), ('missing', b'missing' + own.encode()), ('odd', b'o\\xff\\n' + own.encode())]
if mode == 'own':
    made = mq(own, 0o302, 0o600, attr(4, 16))
    assert made >= 0
for title, name in [('this', own)] + (NAMES if mode == 'own' else []):
    for flags in FLAGS:
        row(f'mq_open {title} {flags:o}', mq(name, flags), shut)
        if title != 'this': row(f'mq_unlink {title} {flags:o}', sc(241, name))
    row(f'mq_open {title} attributes out of reach', mq(name, 0o302, 0o600, BAD), shut)
    row(f'mq_open {title} attributes out of reach, not made', mq(name, 0, 0o600, BAD), shut)
    if title in ('missing', 'odd'):
        for most in (0, 1, -1, 10, 11, 70000, 1 << 62):
            for size in (0, 1, 8192, 8193, 1 << 62): row(f'mq_open {title} {most} {size}', mq(name, 0o302, 0o600, attr(most, size)), lambda fd: (os.close(fd), sc(241, name)))
        for bits in (0, 0o7777, 0o170000, -1): row(f'mq_open {title} mode {bits:o}', mq(name, 0o302, bits), lambda fd: (os.close(fd), sc(241, name)))
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (20000, resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1]))
        row(f'mq_open {title} above the limit', mq(name, 0o302, 0o600, attr(10, 8192)), shut)
        row(f'mq_open {title} below the limit', mq(name, 0o302, 0o600, attr(1, 16)), lambda fd: (os.close(fd), sc(241, name)))
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1],) * 2)
if mode == 'own':
    os.umask(0)
    shut_out = mq('none' + own, 0o302, 0)
    row('no rights', mq('none' + own, 2), shut); row('no rights, removed', sc(241, 'none' + own))
    row('removed', sc(241, own)); row('removed again', sc(241, own)); row('opened when it was removed', mq(own, 2), shut)
else: row('removed', sc(241, own))
say(**rows)`;

/** Somebody makes one of each outside, and runs the words behind. */
const OUTSIDE_SYSTEM_V = `import subprocess
key = int(sys.argv[2]) + 5
shm, sem, msg = sc(29, key, 4096, 0o1600), sc(64, key, 2, 0o1600), sc(68, key, 0o1600)
assert min(shm, sem, msg) >= 0
try: subprocess.run([*sys.argv[3:], json.dumps([shm, sem, msg])])
finally: sc(31, shm, 0, 0); sc(66, sem, 0, 0); sc(71, msg, 0, 0)`;

const OUTSIDE_QUEUE = `import subprocess
name = 'outside%s' % sys.argv[2]
assert sc(240, name, 0o302, 0o600, struct.pack('=8q', 0, 4, 16, 0, 0, 0, 0, 0)) >= 0
try: subprocess.run([*sys.argv[3:], name])
finally: sc(241, name)`;

const EACCES = 13;
/** What the kernel comes to before it has found the object: EFAULT, E2BIG. */
const FIRST: readonly (number | 'ok')[] = [14, 7];
/** GETALL and SETALL, whose memory is looked at when the object was found. */
const VALUES = /^semctl this \S+ (?:13|17) /;
/** What they tell /proc tells everybody. */
const QUERIES = /^(?:semctl this \S+ (?:2|3|18|19|20)|(?:shm|msg)ctl this (?:2|3|11|12|13|14|15)) /;

type Rows = Record<string, number | 'ok'>;

function rowsOf({ code, stdout, stderr }: Outcome): Rows {
  assert.equal(code, 0, stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is in this file
  return JSON.parse(stdout) as Rows;
}

for (const [title, script, outside] of [
  ['System V objects', SYSTEM_V, OUTSIDE_SYSTEM_V],
  ['message queues', QUEUES, OUTSIDE_QUEUE],
] as const) {
  const key = String(randomInt(2 ** 28, 2 ** 29) * 2);
  const own = python(script, '', key, 'own');
  const others = (prefix: readonly string[]): string[] =>
    python(outside, '', key, ...prefix, ...python(script, '', key, 'outside'));
  void test(`errors of ${title} are those of the kernel (${who})`, async (t) => {
    const native = rowsOf(await run(own));
    const nativeOthers = rowsOf(await run(others([])));
    for (const engine of engines) {
      for (const backing of backings) {
        await t.test(`${engine.name} ${backing.name}`, async () => {
          const options = [...engine.options, '--quiet', '--read-only', '--'];
          const { env } = backing;
          assert.deepEqual(rowsOf(await run(secfiltWords([...options, ...own]), { env })), native);
          const inside = rowsOf(await run(others(secfiltWords(options)), { env }));
          for (const [row, result] of Object.entries(inside)) {
            const isFirst = FIRST.includes(nativeOthers[row] ?? 'ok') && !VALUES.test(row);
            const isClosed = result === EACCES && !isFirst;
            assert.ok(isClosed || result === nativeOthers[row], `${row}: ${result}, ${nativeOthers[row]}`);
            assert.ok(result !== 'ok' || QUERIES.test(row) || !row.includes(' this '), row);
          }
        });
      }
    }
  });
}
