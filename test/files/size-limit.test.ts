/** The limit of file sizes is the caller's where the supervisor truncates for it (truncate(2), RLIMIT_FSIZE). */
import assert from 'node:assert/strict';
import { insideTest, saidBy } from '../support/escape.ts';

insideTest(
  'a file is not made larger than the caller may make one, and the caller hears of it',
  String.raw`
import resource
heard = []
signal.signal(signal.SIGXFSZ, lambda *_: heard.append(1))
path = ROOT + '/a/f'
before = sc(76, path, 100000)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
said = dict(before=before, beyond=sc(76, path, 100001), heard=len(heard), smaller=sc(76, path, 90000), up_to=sc(76, path, 0) or sc(76, path, 5000))
say(**said, above=sc(76, path, 5001), again=len(heard), size=os.path.getsize(path))`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      before: 0,
      beyond: -27,
      heard: 1,
      smaller: 0,
      up_to: 0,
      above: -27,
      again: 2,
      size: 5000,
    }),
);
