/**
 * Calls that are refused for what they are fail with the kernel's own error where their arguments are wrong, as they do without a
 * sandbox. Natively tried by an ordinary user: root would do what it is asked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { engines, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const SCRIPT = String.raw`
held = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), socket.socket()]
files = {'bad': 777, 'negative': -1, 'file': os.open('/etc/passwd', os.O_RDONLY), 'directory': os.open('/', os.O_RDONLY),
  'place': os.open('/etc/passwd', os.O_PATH), 'pipe': os.pipe()[0], 'null': os.open('/dev/null', os.O_RDONLY),
  'shared': os.open('/dev/shm', os.O_RDONLY), 'socket': held[0].fileno(), 'inet': held[1].fileno()}
COMMANDS = [0x5412, 0x541c, 0x5423, 0x40009408, 0x5000940a, 0x6601, 0x40047211, 0x40186f04, 0x6880, 0xc0086c43, 0x4c00, 0x4c01,
  0x1277, 0x125d, 0x5a00, 0x8301, 0x4004f501, 0x12345678, 0x7601, 0xdead6601]
rows = {}
for name, fd in files.items():
    for command in COMMANDS: rows[f'ioctl {name} {command:x}'] = (16, fd, command, b'x' * 256)
    # What the pipe, file and place may do with them is the file system's affair.
    if name in ('bad', 'negative'):
        for command in (0xc0045877, 0xc0189436, 0xc0185879): rows[f'ioctl {name} {command:x}'] = (16, fd, command, b'x' * 256)
        for command in (1036, 1038, 1040): rows[f'fcntl {name} {command}'] = (72, fd, command, bytes(16))
        rows[f'fsconfig {name}'] = (431, fd, 0, b'a', 0, 0)
    for command in (9999, 12, 1029): rows[f'fcntl {name} {command}'] = (72, fd, command, bytes(16))
    if 'socket' not in name and name != 'inet':
        for level, option in ((0, 4), (41, 57), (6, 19)): rows[f'setsockopt {name} {level} {option}'] = (54, fd, level, option, bytes(64), 4)
    rows[f'setns {name}'] = (308, fd, 0)
    rows[f'pidfd_getfd {name}'] = (438, fd, 0, 0)
    rows[f'process_mrelease {name}'] = (448, fd, 0)
    rows[f'process_madvise {name}'] = (440, fd, bytes(16), 1, 4, 0)
for name, path in {'missing': b'/nope/x', 'file': b'/etc/passwd', 'below a file': b'/etc/passwd/x', 'directory': b'/', 'null': None,
  'unmapped': 4096, 'locked': b'/root/x', 'empty': b'', 'long': b'/' + b'n' * 256}.items():
    rows[f'chroot {name}'] = (161, path)
    rows[f'umount2 {name}'] = (166, path, 0)
    rows[f'umount2 with bad flags {name}'] = (166, path, 0x1000)
    rows[f'mount {name}'] = (165, b'none', path, b'tmpfs', 0, 0)
    rows[f'mknod {name}'] = (133, path, 0x21b6, 0x103)
for name, call in dict(adjtimex=(159, 4096), perf_event_open=(298, 4096), clock_adjtime=(305, 0, 4096)).items(): rows[name] = call
print(json.dumps({name: min(0, sc(*call)) for name, call in rows.items()}))
`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`what fails natively fails so, refused calls, ${engine.name} ${backing.name} (${who})`, async (t) => {
      if (isRoot) return t.skip('for an ordinary user only');
      const { root } = makeGround(t);
      const words = python(SCRIPT, root);
      const policy = ['--read-only', '--mainstream-network-families', '--quiet'];
      const native = saidBy(await run(words, { cwd: '/' }));
      const inside = saidBy(
        await run(secfiltWords([...engine.options, ...policy, '--', ...words]), {
          cwd: '/',
          env: backing.env,
        }),
      );
      const failed = Object.keys(native).filter((name) => (native[name] ?? 0) < 0 && native[name] !== -38);
      assert.ok(failed.length > 200, String(failed.length));
      const listed = (from: Record<string, number>) => failed.map((name) => `${name}: ${from[name]}`);
      assert.deepEqual(listed(inside), listed(native));
    });
  }
}
