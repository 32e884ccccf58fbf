/** What a process sets for itself by /proc concerns nobody else (proc(5)): under a file policy it works as natively. */
import assert from 'node:assert/strict';
import { insideTest, saidBy } from '../support/escape.ts';

insideTest(
  "a process sets its own name, its threads' names, its score and what is dumped of it",
  String.raw`
results = {}
def write(path, data, expected=None):
    try:
        with open(path, 'wb', buffering=0) as file: file.write(data)
        if expected is not None: results[path] = open(path, 'rb').read().strip() == expected
    except OSError as error: results[path] = -error.errno
thread = threading.Thread(target=lambda: time.sleep(20), daemon=True); thread.start()
TID = thread.native_id
write('/proc/self/comm', b'own', b'own')
write(f'/proc/self/task/{TID}/comm', b'worker', b'worker')
write('/proc/self/oom_score_adj', b'600', b'600')
write('/proc/self/coredump_filter', b'0x21', b'00000021')
write('/proc/thread-self/comm', b'again', b'again')
if os.path.exists('/proc/self/timerslack_ns'): write('/proc/self/timerslack_ns', b'60000')
values = {name.split('/')[-1] + str(index): value for index, (name, value) in enumerate(results.items())}
say(**{name: value for name, value in values.items() if value is not True})`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
);

insideTest(
  'a process asks for its own mappings and pages by ioctl(2)',
  String.raw`
import fcntl
def ask(path, command, argument):
    with open(path, 'rb', buffering=0) as file:
        try: return fcntl.ioctl(file, command, argument)
        except OSError as error: return error.errno
mine = ctypes.create_string_buffer(4096)
query = struct.pack('QQQ', 104, 0, ctypes.addressof(mine)) + bytes(80)
scan = struct.pack('QQQQ', 96, 0, ctypes.addressof(mine) & ~4095, (ctypes.addressof(mine) & ~4095) + 4096) + bytes(64)
asked = [ask('/proc/self/maps', 0xc0686611, query), ask('/proc/self/pagemap', 0xc0606610, scan)]
# A kernel that does not know them says ENOTTY.
say(failed=[value for value in asked if isinstance(value, int) and value not in (1, 25)], refused=asked.count(1), scanned=not isinstance(asked[1], int))`,
  (outcome, _engine, backing) => {
    const { failed, refused, scanned } = saidBy(outcome) as Record<string, unknown>;
    assert.deepEqual(failed, []);
    // Without Landlock a scan is answered as by a kernel that has none.
    if (backing.landlock) assert.equal(refused, 0);
    else assert.equal(scanned, false);
  },
);

insideTest(
  'a process that makes itself undumpable is told that it is not',
  String.raw`
libc = ctypes.CDLL(None, use_errno=True)
say(set=libc.prctl(4, 0, 0, 0, 0), errno=ctypes.get_errno(), is_=libc.prctl(3, 0, 0, 0, 0))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { set: -1, errno: 1, is_: 1 }),
);
