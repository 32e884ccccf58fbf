/**
 * O_PATH, which opens nothing, and openat2(2), which the supervisor performs: where it cannot, callers are told to do without.
 */
import assert from 'node:assert/strict';

import { insideTest, saidBy } from '../support/escape.ts';

const ENOSYS = -38;
const EINVAL = -22;
const ENOENT = -2;

insideTest(
  'O_PATH with flags that would write opens the place all the same, and changes nothing',
  `
O_PATH = 0o10000000
def flags(fd): return fd if fd < 0 else sc(72, fd, 3) & (O_PATH | 3)
F = ROOT + '/o/f'
say(open=flags(sc(2, F, O_PATH | 0o1102, 0o600)), openat=flags(sc(257, -100, F, O_PATH | 0o1001)),
    absent=sc(2, ROOT + '/o/absent', O_PATH | 0o102, 0o600), size=os.stat(F).st_size)
`,
  (outcome) => {
    const O_PATH = 0o10000000;
    assert.deepEqual(saidBy(outcome), { open: O_PATH, openat: O_PATH, absent: ENOENT, size: 4 });
  },
);

insideTest(
  'openat2 with O_PATH is as natively where such a descriptor can be handed over, else there is no such call',
  `
O_PATH = 0o10000000
def openat2(flags): return sc(437, -100, ROOT + '/o/f', struct.pack('QQQ', flags, 0, 0), 24)
place = openat2(O_PATH)
say(place=place if place < 0 else sc(72, place, 3) & (O_PATH | 3), invalid=openat2(O_PATH | 1), read=int(openat2(0) >= 0))
`,
  (outcome, engine) => {
    const place = engine === 'trace' ? 0o10000000 : ENOSYS;
    assert.deepEqual(saidBy(outcome), { place, invalid: EINVAL, read: 1 });
  },
);

insideTest(
  'who has a filter of its own, for whom nothing is performed, has no openat2',
  `
program = reg(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
sc(157, 38, 1, 0, 0, 0)
assert sc(317, 1, 0, struct.pack('HxxxxxxQ', 1, program.value)) == 0
how = bytes(24)
say(openat2=sc(437, -100, ROOT + '/o/f', how, 24), open=int(sc(2, ROOT + '/o/f', 0) >= 0),
    create=sc(437, -100, ROOT + '/a/new', struct.pack('QQQ', 0o101, 0o600, 0), 24))
`,
  (outcome) => assert.deepEqual(saidBy(outcome), { openat2: ENOSYS, open: 1, create: ENOSYS }),
);
