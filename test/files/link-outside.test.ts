/** A second name for a file that lies outside: none comes into being, and the error is the one that installers copy at. */
import assert from 'node:assert/strict';

import { insideTest, saidBy } from '../support/escape.ts';

const SCRIPT = String.raw`
import ctypes, errno, json, shutil
libc = ctypes.CDLL(None, use_errno=True)
f, n = ROOT + '/o/f', ROOT + '/a/n'
def said(call):
    try: call(); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
def linkat(fd, name, to, flags):
    ctypes.set_errno(0); r = libc.linkat(fd, name.encode(), -100, to.encode(), flags)
    return 'ok' if r == 0 else errno.errorcode[ctypes.get_errno()]
held = os.open(f, os.O_RDONLY); os.symlink(f, ROOT + '/a/s')
r = {'link': said(lambda: os.link(f, n)), 'by descriptor': linkat(-100, '/proc/self/fd/%d' % held, n, 0x400), 'through a link': linkat(-100, ROOT + '/a/s', n, 0x400),
  'into': said(lambda: os.link(ROOT + '/a/f', ROOT + '/o/n')), 'both outside': said(lambda: os.link(f, ROOT + '/o/n')), 'exists': said(lambda: os.link(f, ROOT + '/a/f')), 'missing': said(lambda: os.link(f + 'x', n)),
  'no directory': said(lambda: os.link(f, ROOT + '/a/x/n'))}
r['made'] = [os.path.lexists(n), os.path.lexists(ROOT + '/o/n'), os.stat(f).st_nlink]
def install(to):
    try: os.link(f, to)
    except OSError as e:
        if e.errno != errno.EXDEV: raise
        shutil.copyfile(f, to)
install(ROOT + '/a/copy'); os.truncate(ROOT + '/a/copy', 0)
r['copied'] = [open(f).read(), os.stat(f).st_nlink]
print(json.dumps(r))
`;

insideTest('F16 a link from outside is EXDEV, and makes nothing', SCRIPT, (outcome) =>
  assert.deepEqual(saidBy(outcome), {
    link: 'EXDEV',
    'by descriptor': 'EXDEV',
    'through a link': 'EXDEV',
    into: 'EPERM',
    'both outside': 'EPERM',
    exists: 'EEXIST',
    missing: 'ENOENT',
    'no directory': 'ENOENT',
    made: [false, false, 1],
    copied: ['kept', 1],
  }),
);
