/** What is refused for what it is, by number and registers, is refused and told: in the log once, in the summary with its count. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { engines, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

/** Call, and Python that makes it; each must be refused with EPERM. */
const CALLS: readonly (readonly [call: string, how: string])[] = [
  ['chroot', `sc(161, '/')`],
  ['mount', `sc(165, 'none', '/', 'tmpfs', 0, 0)`],
  ['umount2', `sc(166, '/', 0)`],
  ['unshare', 'sc(272, 0x10000000)'],
  ['clone', 'sc(56, 0x10000011, 0, 0, 0, 0)'],
  ['personality', 'sc(135, 8)'],
  ['prctl', 'sc(157, 4, 0)'],
  ['keyctl', 'sc(250, 0, -3, 0)'],
  ['bpf', 'sc(321, 0, 0, 0)'],
  ['process_vm_writev', 'sc(311, os.getppid(), 0, 0, 0, 0, 0)'],
  ['mknod', `sc(133, ROOT + '/a/node', 0x21b6, 0x103)`],
  ['move_pages', 'sc(279, 1, 0, 0, 0, 0, 0)'],
];
const SCRIPT = `print(json.dumps({${CALLS.map(([call, how]) => `'${call}': [${how} for _ in range(20)]`).join(', ')}}))`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`refusals for what a call is are told, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const ground = makeGround(t);
      const log = join(ground.root, 'log');
      const inside = async (...options: string[]) =>
        run(
          secfiltWords([
            ...engine.options,
            ...options,
            `--write-allow=${ground.a}`,
            '--',
            ...python(SCRIPT, ground.root),
          ]),
          { cwd: ground.a, env: backing.env },
        );
      const { code, stdout, stderr } = await inside(`--log=${log}`);
      assert.equal(code, 0, stderr);
      for (const [call, results] of Object.entries<number[]>(JSON.parse(stdout)))
        assert.deepEqual(new Set(results), new Set([-1]), call);
      const count = 20 * CALLS.length;
      const lines = stderr.split('\n');
      assert.ok(
        lines.some((line) =>
          /^secfilt: \d+ operations were refused \(secfilt -v shows them\)$/.test(line)
            ? Number(/\d+/.exec(line)?.[0]) >= count
            : false,
        ),
        stderr,
      );
      const logged = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"layer":"filter"'))
        .map((line) => /"call":"(\w+)"/.exec(line)?.[1] ?? '');
      for (const [call] of CALLS)
        if (call !== 'mknod')
          assert.equal(logged.filter((other) => other === call).length, 1, `${call} is logged once`);
      const verbose = await inside('-v');
      for (const [call] of CALLS) assert.match(verbose.stderr, new RegExp(`\\(${call}: EPERM\\)`));
      const quiet = await inside('--quiet');
      assert.equal(quiet.stderr, '');
    });
  }
}

/** Calls that would be performed, by name; each gives 0 or more, or a negated error number. */
const PERFORMED = String.raw`
server = socket.socket(socket.AF_UNIX); server.bind(ROOT + '/a/s'); server.listen(5)
for name in ('f', 'g'):
    open(ROOT + '/a/' + name, 'w').close()
    # Nobody links a file of somebody else's.
    try: os.chown(ROOT + '/a/' + name, 65534, 65534)
    except OSError: pass
def address(name): path = (ROOT + '/a/' + name).encode(); return struct.pack('H', 1) + path + b'\0', len(path) + 3
def message(fd):
    ucred = struct.pack('QiiIII4x', 28, 1, 2, os.getpid(), os.getuid(), os.getgid())
    data = ctypes.create_string_buffer(b'x'); vector = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(data), 1)); control = ctypes.create_string_buffer(ucred, 32); KEPT.extend((data, vector, control))
    return sc(46, fd, struct.pack('QIxxxxQQQQQ', 0, 0, ctypes.addressof(vector), 1, ctypes.addressof(control), 32, 0), 0)
def calls():
    reader, writer = os.pipe(); child = os.fork()
    if child == 0: os.close(writer); os.read(reader, 1); os._exit(0)
    s, d = socket.socket(socket.AF_UNIX), socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); path = ROOT + '/a/'; mask = bytes([255] * 8); pidfd = sc(434, child, 0)
    return dict(connect=sc(42, s.fileno(), *address('s')), bind=sc(49, socket.socket(socket.AF_UNIX).fileno(), *address('t')), sendmsg=message(d[0].fileno()), kill=sc(62, child, 0), tgkill=sc(234, child, child, 0), tkill=sc(200, child, 0),
      rt_sigqueueinfo=sc(129, child, 0, struct.pack('iii', 0, 0, -1) + bytes(116)), pidfd_send_signal=sc(424, pidfd, 0, 0, 0), setpriority=sc(141, 0, child, 1), sched_setaffinity=sc(203, child, 8, mask), ioprio_set=sc(251, 1, child, 0),
      truncate=sc(76, path + 'f', 0), chmod=sc(90, path + 'f', 0o640), chown=sc(92, path + 'f', -1, os.getgid()), utimensat=sc(280, -100, path + 'f', 0, 0), setxattr=sc(188, path + 'f', 'user.x', b'x', 1, 0),
      mkdir=sc(83, path + 'd', 0o700), rename=sc(82, path + 'f', path + 'h'), link=sc(86, path + 'g', path + 'i'), symlink=sc(88, 'x', path + 'j'), unlink=sc(87, path + 'g'), open=min(sc(2, path + 'k', 0o102, 0o600), 0), shmget=min(sc(29, 0, 4096, 0o1600), 0))
`;

/** Who is not served: by a filter of one's own; and where secfilt lacks what it takes to look at other users, or to become them. */
const UNSERVED: Readonly<
  Record<string, { readonly prefix: readonly string[]; readonly how: string; readonly rootOnly: boolean }>
> = {
  'who has a filter of its own': {
    prefix: [],
    how: `code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
assert sc(317, 1, 0, struct.pack('HxxxxxxQ', 1, ctypes.addressof(code))) == 0`,
    rootOnly: false,
  },
  'another user who cannot be looked at': {
    prefix: ['setpriv', '--bounding-set=-sys_ptrace'],
    how: 'os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)',
    rootOnly: true,
  },
  'a thread of another user’s that nobody can become': {
    prefix: ['unshare', '--user', '--map-root-user'],
    how: `assert sc(126, struct.pack('II', 0x20080522, 0), bytes(24)) == 0`,
    rootOnly: true,
  },
};

for (const [title, { prefix, how, rootOnly }] of Object.entries(UNSERVED)) {
  for (const engine of engines) {
    for (const backing of backings) {
      void test(`what is refused to ${title} is told, ${engine.name} ${backing.name} (${who})`, async (t) => {
        if (rootOnly && !isRoot) return t.skip('only root can change to another user');
        const [program = 'true', ...rest] = prefix;
        const can = await run([program, ...rest, 'true']);
        if (can.code !== 0) return t.skip(can.stderr);
        const ground = makeGround(t);
        for (const folder of [ground.root, ground.a]) chmodSync(folder, 0o777);
        const log = join(ground.root, 'log');
        const script = `${PERFORMED}\n${how}\nsay(**calls())`;
        const words = secfiltWords([
          ...engine.options,
          `--log=${log}`,
          `--write-allow=${ground.a}`,
          '--allowed-ports=1',
          '--',
          ...python(script, ground.root),
        ]);
        const outcome = await run([...prefix, ...words], {
          cwd: ground.a,
          env: backing.env,
        });
        const said = saidBy(outcome);
        const logged = readFileSync(log, 'utf8');
        const refusals = Object.entries(said).filter(([, result]) => result === -1);
        assert.ok(refusals.length > 4, JSON.stringify(said));
        const untold = refusals.filter(([call]) => !logged.includes(`"call":"${call}"`));
        assert.deepEqual(untold, [], logged);
      });
    }
  }
}
