/**
 * Root inside a sandbox keeps the capabilities that files of several owners and changing to another user need, and none
 * that reaches the machine (docs/threat-model.md names them).
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, KEPT_CAPABILITIES, limitsBounding, secfiltScript, who } from '../support/environment.ts';
import { attackTest, engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const skip = isRoot ? undefined : 'only root has something to give up';
const notRoot = isRoot ? {} : { natively: 'only root can' };

const CAPABILITIES = String.raw`
def capabilities():
    lines = dict(l.split(':\t') for l in open('/proc/self/status').read().splitlines() if l.startswith('Cap'))
    return {k: int(v, 16) for k, v in lines.items()}
`;

insideTest(
  'P18 root has only the documented capabilities, and cannot get others back',
  `${CAPABILITIES}
before = capabilities()
# By capset, by a set-user-ID program, by leaving and returning to root.
data = struct.pack('IIIIII', *[0xffffffff] * 6)
again = sc(126, struct.pack('II', 0x20080522, 0), data)
os.setuid(0)
say(again=again, after=capabilities()['CapEff'], **before)`,
  (outcome) => {
    const { again, after, CapInh, CapPrm, CapEff, CapAmb, CapBnd } = saidBy(outcome);
    assert.equal(again, -1);
    assert.equal(after, CapEff);
    assert.deepEqual([CapInh, CapAmb], [0, 0]);
    // A container may have had fewer to begin with.
    assert.equal((CapPrm ?? -1) & ~KEPT_CAPABILITIES, 0);
    assert.equal((CapEff ?? -1) & ~KEPT_CAPABILITIES, 0);
    if (limitsBounding) assert.equal((CapBnd ?? -1) & ~KEPT_CAPABILITIES, 0);
  },
  { skip, policy: () => ['--read-only'] },
);

insideTest(
  'P18 F35 P31 N18 root neither mounts, loads, sends raw, makes devices nor opens by handle, and does not reach the outside by signals or traces',
  String.raw`
handle = struct.pack('Ii', 128, 0) + bytes(128)
results = dict(
  mount=sc(165, 'none', ROOT + '/a', 'tmpfs', 0, 0),
  umount=sc(166, '/proc', 2),
  chroot=sc(161, ROOT),
  module=sc(175, b'x', 1, b''),
  raw=sc(41, 2, 3, 1), raw6=sc(41, 10, 3, 58), packet=sc(41, 17, 3, 0x300),
  disk=sc(133, ROOT + '/a/disk', 0o60600, 0x800), null=sc(259, -100, ROOT + '/a/null', 0o20666, 0x103),
  handle=sc(304, -100, handle, 0), name=sc(303, -100, ROOT, handle, b'\0' * 8, 0),
  attach=sc(101, 16, 1, 0, 0), kill=sc(62, 1, 0), clock=sc(227, 0, struct.pack('QQ', 0, 0)), hostname=sc(170, b'x', 1),
  reboot=sc(169, 0xfee1dead, 672274793, 0, 0), swap=sc(167, '/dev/null', 0), quota=sc(179, 0, 0, 0, 0),
  nice=sc(141, 0, 0, -10), ports=sc(172, 3), log=sc(103, 3, bytes(64), 64), limit=sc(160, 7, struct.pack('QQ', 2**40, 2**40)),
)
say(**{name: 1 for name, result in results.items() if result >= 0})`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
  { skip, policy: ({ a }) => [`--write-allow=${a}`, '--mainstream-network-families'] },
);

attackTest({
  id: 'P18',
  title: 'root writes what belongs to others',
  ...notRoot,
  script: String.raw`
for path in (ROOT + '/o/f',):
    for call in (lambda: os.chown(path, 1, 1), lambda: os.chmod(path, 0), lambda: os.utime(path), lambda: os.setxattr(path, 'trusted.x', b'x'),
                 lambda: os.setxattr(path, 'security.capability', b'x' * 20), lambda: open(path, 'w').write('x'), lambda: os.unlink(path)):
        try: call()
        except OSError: pass
# As another user, with and without capabilities.
def other():
    os.setgroups([]); os.setgid(1); os.setuid(1)
    try: open(ROOT + '/o/f', 'w').write('x')
    except OSError: return 1
    return 0
in_child(other)`,
});

const LOOP = 4001;
const loopControl = (command: string): string => `
try: control = os.open('/dev/loop-control', os.O_RDONLY)
except OSError: sys.exit(50)
sys.exit(50 if sc(16, control, ${command}, ${LOOP}) == -25 else 0)`;

attackTest({
  id: 'P18 F23',
  title: 'a device is made by an ioctl of a descriptor that is open for reading',
  ...notRoot,
  prepare: (_ground, t) => {
    t.after(async () => {
      await run(python(loopControl('0x4c81')), { timeout: 10_000 });
    });
  },
  script: loopControl('0x4c80'),
  worked: () => existsSync(`/dev/loop${LOOP}`),
  lacking: ({ code }) => (code === 50 ? 'there are no loop devices here' : undefined),
});

insideTest(
  'P18 nothing is performed for a process that has become another user, and what Landlock allows works',
  String.raw`
os.chmod(ROOT, 0o755)
def other():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    # Performed as root this would work: the file is root's.
    return 1 if sc(90, ROOT + '/a/f', 0o777) >= 0 or sc(2, ROOT + '/a/f', 1) >= 0 or sc(83, ROOT + '/a/made', 0o755) >= 0 else 0
os.chmod(ROOT + '/a', 0o755)
say(allowed=in_child(other))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { allowed: 0 }),
  { skip, policy: ({ root }) => [`--write-allow=${root}`] },
);

insideTest(
  'P18 a set-user-ID program gains nothing',
  `${CAPABILITIES}
status = open('/proc/self/status').read()
privileges = 1 if 'NoNewPrivs:\\t1' in status else 0
say(no_new_privileges=privileges)`,
  (outcome) => assert.deepEqual(saidBy(outcome), { no_new_privileges: 1 }),
);

/** Another user with ambient capabilities, as a service of systemd may be (AmbientCapabilities). */
const KEPT_OVER = '+fowner,+dac_override';
const AMBIENT = 'setpriv --reuid=65534 --regid=65534 --clear-groups'
  .split(' ')
  .concat(`--inh-caps=${KEPT_OVER}`, `--ambient-caps=${KEPT_OVER}`);

for (const { name, options } of engines) {
  for (const backing of backings) {
    void test(`P18 another user keeps no capability that the caller had, ${name} ${backing.name} (${who})`, async (t) => {
      if (skip !== undefined) return t.skip(skip);
      const lacking = await run([...AMBIENT, 'test', '-r', secfiltScript]);
      if (lacking.code !== 0) return t.skip(`no ambient capabilities: ${lacking.stderr.trim()}`);
      const { root, a, o } = makeGround(t);
      chmodSync(root, 0o755);
      chownSync(a, 65534, 65534);
      const script = `${CAPABILITIES}
mine = ROOT + '/a/mine'
say(made=int(sc(2, mine, 0o101, 0o644) >= 0), own=sc(90, mine, 0o600), foreign=sc(90, ROOT + '/a/f', 0o777), write=sc(2, ROOT + '/a/f', 0o1001),
    outside=sc(90, ROOT + '/o/f', 0o777), **capabilities())`;
      const words = secfiltWords([...options, `--write-allow=${a}`, '--', ...python(script, root)]);
      const { CapBnd, ...said } = saidBy(await run([...AMBIENT, ...words], { cwd: a, env: backing.env }));
      assert.equal(typeof CapBnd, 'number');
      const none = { CapInh: 0, CapPrm: 0, CapEff: 0, CapAmb: 0 };
      assert.deepEqual(said, { made: 1, own: 0, foreign: -1, write: -13, outside: -1, ...none });
      assert.equal(statSync(join(a, 'mine')).mode & 0o777, 0o600);
      for (const folder of [a, o]) {
        assert.equal(statSync(join(folder, 'f')).mode & 0o777, 0o644);
        assert.equal(readFileSync(join(folder, 'f'), 'latin1'), 'kept');
      }
    });
  }
}
