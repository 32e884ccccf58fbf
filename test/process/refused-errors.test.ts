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
PATHS = {'missing': b'/nope/x', 'file': b'/etc/passwd', 'null': None, 'unmapped': 4096, 'empty': b'', 'locked': b'/root/x', 'device': b'/dev/null', 'long': b'/' + b'n' * 256}
HANDLE = struct.pack('Ii', 8, 1) + bytes(8)
for name, path in PATHS.items():
    for flags in (0, 1, 0x8000, 0x8001, 0x1000, 0x100, 0x80800, 0x10000): rows[f'open_tree {name} {flags:x}'] = (428, -100, path, flags)
    for flags, size in ((0, 0), (0, 31), (0, 32), (0, 5000), (1, 31), (0x10000, 32)):
        rows[f'open_tree_attr {name} {flags:x} {size}'] = (467, -100, path, flags, bytes(64), size); rows[f'mount_setattr {name} {flags:x} {size}'] = (442, -100, path, flags, bytes(64), size)
    rows[f'open_tree_attr without {name}'] = (467, -100, path, 0, None, 8)
    for command in (0x80000400, 0x80000100, 0x80000300, 0x80000203, 0x12345600, 0x8000057f): rows[f'quotactl {name} {command:x}'] = (179, command, path, 0, None)
    for flags in (0, 0x400, 0x1000, 0x200, 1, 2, 3, 0x20, 0x8000): rows[f'name_to_handle_at {name} {flags:x}'] = (303, -100, path, bytes([255]) + bytes(300), bytes(8), flags)
    rows[f'name_to_handle_at nowhere {name}'] = (303, -100, path, None, bytes(8), 0)
    rows[f'mq_unlink {name}'] = (241, path)
    for flags in (0, 1, 0xc0 if name != 'empty' else 0x40): rows[f'mq_open {name} {flags:x}'] = (240, path, flags, 0, None)
rows['mq_open absent'] = (240, b'secfilter-absent', 0, 0, None); rows['mq_unlink absent'] = (241, b'secfilter-absent'); rows['mq_open slash'] = (240, b'a/b', 0o100, 0, None)
for name, fd in files.items():
    rows[f'open_tree at {name}'] = (428, fd, b'nope', 0); rows[f'name_to_handle_at at {name}'] = (303, fd, b'nope', HANDLE, bytes(8), 0)
    if name in ('bad', 'negative'): rows[f'open_tree of {name}'] = (428, fd, b'', 0x1000); rows[f'name_to_handle_at of {name}'] = (303, fd, b'', HANDLE, bytes(8), 0x1000)
    for command in (0x80000800, 0x80000203): rows[f'quotactl_fd {name} {command:x}'] = (443, fd, command, 0, None)
    for what, handle in {'good': HANDLE, 'empty': bytes(16), 'long': struct.pack('Ii', 129, 1) + bytes(200), 'bad type': struct.pack('Ii', 8, -1) + bytes(8), 'null': None}.items(): rows[f'open_by_handle_at {name} {what}'] = (304, fd, handle, 0)
    for command in (1036, 1038, 1040):
        for what, hint in {'good': bytes(8), 'wrong': struct.pack('Q', 6), 'null': None}.items():
            if what != 'good' or command != 1036: rows[f'fcntl hint {name} {command} {what}'] = (72, fd, command, hint)
    for level, option in ((132, 1), (284, 1), (41, 1), (6, 31), (0, 200), (1, 200), (7777, 1)):
        # What a socket of one kind says to the options of another's is as of a kernel without these.
        if 'socket' not in name and name != 'inet':
            rows[f'setsockopt {name} {level} {option}'] = (54, fd, level, option, bytes(64), 4); rows[f'getsockopt {name} {level} {option}'] = (55, fd, level, option, bytes(64), struct.pack('I', 4))
mine = os.open(ROOT + '/a/f', os.O_RDONLY)
for what, hint in {'wrong': struct.pack('Q', 6), 'null': None}.items(): rows[f'own hint {what}'] = (72, mine, 1036, hint)
for option in (33, 999, -1): rows[f'keyctl {option}'] = (250, option, 0, 0, 0, 0)
for option in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 17, 21): rows[f'keyctl {option} of none'] = (250, option, 0x7ffffff0, 0, 0, 0); rows[f'keyctl {option} of zero'] = (250, option, 0, 0, 0, 0); rows[f'keyctl {option} of a special one'] = (250, option, -99, 0, 0, 0)
rows['keyctl join'] = (250, 1, 4096, 0, 0, 0)
for what, kind in {'good': b'user', 'null': None, 'empty': b'', 'long': b'n' * 32, 'dot': b'.request', 'unmapped': 4096}.items():
    for which, text in {'good': b'text', 'unmapped': 4096, 'long': b'n' * 4096, 'null': None}.items():
        if (what, which) not in (('good', 'null'),):
            rows[f'add_key {what} {which}'] = (248, kind, text, b'x', 1, 0x7ffffff0); rows[f'request_key {what} {which}'] = (249, kind, text, None, 0x7ffffff0)
for what, call in {'payload': (b'user', b'a', 4096, 4, -3), 'size': (b'user', b'a', b'x', 1 << 20, -3), 'ring': (b'user', b'a', b'x', 1, 0), 'special ring': (b'user', b'a', b'x', 1, -99)}.items(): rows[f'add_key {what}'] = (248,) + call
me, none = os.getpid(), 0x3ffffff
for one, other in ((none, me), (me, none), (0, me), (-1, me), (me, me)):
    for kind, first, second in ((0, 777, 0), (0, 0, 777), (99, 0, 0), (-1, 0, 0), (2, 0, 0)):
        rows[f'kcmp {one == me} {one} {other == me} {other if other != me else 0} {kind} {first}' if one != me else f'kcmp {other == me} {kind} {first}'] = (312, one, other, kind, first, second)
VECTOR = struct.pack('QQ', reg(bytes(8)).value, 8)
for call in (310, 311): rows[f'{call} of none'] = (call, none, VECTOR, 1, VECTOR, 1, 0); rows[f'{call} with flags'] = (call, me, VECTOR, 1, VECTOR, 1, 1)
for flags in (0, 2, 4, 8): rows[f'move_pages of none {flags}'] = (279, none, 0, 0, 0, 0, flags)
rows['migrate_pages of none'] = (256, none, 0, 0, 0)
print(json.dumps({name: min(0, sc(*call)) for name, call in rows.items()}))
`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`what fails natively fails so, refused calls, ${engine.name} ${backing.name} (${who})`, async (t) => {
      if (isRoot) return t.skip('for an ordinary user only');
      const { root } = makeGround(t);
      const words = python(SCRIPT, root);
      const policy = ['--read-only', '--allowed-ports=1', '--quiet'];
      const native = saidBy(await run(words, { cwd: '/' }));
      const inside = saidBy(
        await run(secfiltWords([...engine.options, ...policy, '--', ...words]), {
          cwd: '/',
          env: backing.env,
        }),
      );
      const failed = Object.keys(native).filter((name) => (native[name] ?? 0) < 0 && native[name] !== -38);
      assert.ok(failed.length > 500, String(failed.length));
      const listed = (from: Record<string, number>) => failed.map((name) => `${name}: ${from[name]}`);
      assert.deepEqual(listed(inside), listed(native));
    });
  }
}
