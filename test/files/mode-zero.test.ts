/** Whoever holds a file open changes it through the descriptor, also when nobody may open the file any more. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { isRoot } from '../support/environment.ts';
import { type Ground, insideTest, saidBy } from '../support/escape.ts';

const EACCES = -13;

let ground: Ground | undefined;

insideTest(
  'a file of mode 0 is changed through descriptors as before',
  String.raw`
F = ROOT + '/a/f'
reader, writer = os.open(F, os.O_RDONLY), os.open(F, os.O_WRONLY)
def flags(fd, value): return sc(16, fd, 0x40086602, struct.pack('Q', value))
def shown(): value = ctypes.create_string_buffer(8); return sc(16, reader, 0x80086601, value) or value.raw[0] & 0x40
# FS_NODUMP_FL, where the file system has it.
readable = [flags(reader, 0x40), shown(), flags(writer, 0)]
sc(90, F, 0)
unreadable = [flags(reader, 0x40), shown(), flags(writer, 0)]
times = struct.pack('QQQQ', 1, 0, 2, 0)
say(readable=readable, unreadable=unreadable, threads=int(sc(434, os.getpid(), 0o200) != -22),
    times=sc(280, reader, 0, times, 0), owner=sc(93, writer, -1, os.getgid()), mode=sc(91, reader, 0o400))`,
  (outcome) => {
    const { readable, unreadable, threads, ...others } = saidBy(outcome);
    // Before Linux 6.9 there is no copy of a descriptor of a thread: the file is opened anew for flags.
    if (threads === 1 || isRoot) assert.deepEqual(unreadable, readable);
    else assert.deepEqual(unreadable, [EACCES, 0, EACCES]);
    assert.deepEqual(others, { times: 0, owner: 0, mode: 0 });
    assert.ok(ground);
    const { mode, mtimeMs } = statSync(join(ground.a, 'f'));
    assert.deepEqual([mode & 0o777, mtimeMs], [0o400, 2000]);
  },
  {
    policy: (made) => {
      ground = made;
      return [`--write-allow=${made.a}`];
    },
  },
);
