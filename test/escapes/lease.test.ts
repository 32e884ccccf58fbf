/** A file that is leased, and its holder who does not give it up: only those wait who want the file, not the supervisor. */
import assert from 'node:assert/strict';

import { insideTest, saidBy } from '../support/escape.ts';

const CALLS = {
  truncate: "sc(76, ROOT + '/a/f', 2)",
  openat2: "sc(437, -100, ROOT + '/a/f', struct.pack('QQQ', 1, 0, 0), 24)",
  'open of mode 3': "sc(2, ROOT + '/a/f', 0o1003)",
  open: "sc(2, ROOT + '/a/f', 1)",
};

for (const [name, call] of Object.entries(CALLS)) {
  insideTest(
    `F08 a leased file: ${name} waits, and others do not wait for it`,
    `import fcntl
signal.signal(signal.SIGIO, lambda *_: os.write(asked[1], b'x'))
asked = os.pipe()
fd = os.open(ROOT + '/a/f', os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
said = []
def attempt():
    result = ${call}
    # The descriptor must be as it was asked for.
    said.append(int(result >= 0) if result <= 0 else int(sc(72, result, 3) & 0o4000 == 0))
waiting = threading.Thread(target=attempt); waiting.start()
os.read(asked[0], 1)
made = sc(83, ROOT + '/a/d', 0o755)
early = len(said)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
waiting.join()
say(made=made, early=early, late=said[0])`,
    (outcome) => assert.deepEqual(saidBy(outcome), { made: 0, early: 0, late: 1 }),
  );
}
