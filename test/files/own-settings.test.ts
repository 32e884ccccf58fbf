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
