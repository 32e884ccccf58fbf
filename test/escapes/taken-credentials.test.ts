/**
 * Who has given up root, or a part of it, gets from the supervisor what the kernel would have given: each program runs natively and
 * inside, says the same, and leaves the same files with the same owners and modes.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { type Ground, attackTest, engines, makeGround, python, saidBy } from '../support/escape.ts';
import { type Outcome, run, type RunOptions, secfiltWords } from '../support/run.ts';

const skip = isRoot ? undefined : 'only root can change to another user';

/** `a` is open to all and sticky; in it a file of root's, a secret, a closed directory, one of root's, and a file and directory of user 1. */
function furnish({ root, a }: Ground): void {
  chmodSync(root, 0o711);
  chmodSync(a, 0o1777);
  for (const [name, mode] of Object.entries({ f: 0o644, secret: 0o600, open: 0o666 })) {
    writeFileSync(join(a, name), 'kept');
    chmodSync(join(a, name), mode);
  }
  for (const [name, mode] of Object.entries({ closed: 0o700, roots: 0o755, group: 0o770, shared: 0o2777 })) {
    mkdirSync(join(a, name));
    chmodSync(join(a, name), mode);
  }
  writeFileSync(join(a, 'closed/f'), '');
  writeFileSync(join(a, 'ones'), 'kept', { mode: 0o600 });
  mkdirSync(join(a, 'ones-place'), { mode: 0o700 });
  for (const name of ['ones', 'ones-place']) chownSync(join(a, name), 1, 1);
  for (const name of ['group', 'shared']) chownSync(join(a, name), 0, 100);
}

/** Name, owner, group and mode of all that is there. */
function picture(ground: Ground): string[] {
  return readdirSync(ground.root, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { uid, gid, mode } = lstatSync(join(ground.root, name));
      return `${name} ${uid}:${gid} ${mode.toString(8)}`;
    });
}

const PRELUDE = String.raw`
A = ROOT + '/a/'
said = {}
def attempt(name, action):
    try: result = action()
    except OSError as error: result = -error.errno
    said[name] = result if isinstance(result, (int, list)) else 0
def become(user=65534, groups=()):
    os.setgroups(groups); os.setresgid(user, user, user); os.setresuid(user, user, user)
def opened(path, flags, mode=0o666):
    fd = sc(257, -100, path, flags, mode)
    if fd >= 0: os.close(fd)
    return min(fd, 0)
def opened2(path, flags, mode=0):
    fd = sc(437, -100, path, struct.pack('QQQ', flags, mode, 0), 24)
    if fd >= 0: os.close(fd)
    # An O_PATH descriptor cannot be handed over by every engine.
    return min(fd, 0)
def in_process(action):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        action(); os.write(writer, json.dumps(said).encode()); os._exit(0)
    os.close(writer)
    while part := os.read(reader, 65536): said.update(json.loads(part))
    os.waitpid(pid, 0)
def changes(label):
    for name in ('f', 'secret', 'open', 'closed/f', 'closed/none', 'ones', 'roots', 'ones-place', 'group'):
        path = A + name
        for call, action in dict(
            read=lambda: opened2(path, 0), write=lambda: opened(path, 1), write2=lambda: opened2(path, 1), truncate=lambda: sc(76, path, 0),
            chmod=lambda: sc(90, path, 0o644), chown=lambda: sc(94, path, 65534, 65534), times=lambda: sc(280, -100, path, 0, 0),
            then=lambda: sc(280, -100, path, struct.pack('qqqq', 1, 0, 1, 0), 0), attribute=lambda: sc(188, path, 'user.x', b'x', 1, 0),
            link=lambda: sc(86, path, A + label + name.replace('/', '-') + '-link'), rename=lambda: sc(82, path, A + 'shared/moved'),
            below=lambda: sc(83, path + '/made-by-' + label, 0o777), file=lambda: opened(path + '/file-' + label, 0o102), unlink=lambda: sc(87, path),
        ).items(): attempt(f'{label} {name} {call}', action)
`;

function sameTest(title: string, script: string, prefix: readonly string[] = []): void {
  const perform = async (
    t: TestContext,
    options: readonly string[] | undefined,
    env: NonNullable<RunOptions['env']>,
  ) => {
    const ground = makeGround(t);
    furnish(ground);
    const words = python(`${PRELUDE}\n${script}\nsay(**said)`, ground.root);
    const inside =
      options === undefined ? words : secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...words]);
    const outcome = await run([...prefix, ...inside], { cwd: ground.a, env, timeout: 60_000 });
    return { said: saidBy(outcome), left: picture(ground) };
  };
  for (const { name, options } of engines) {
    for (const { name: backing, env } of backings) {
      void test(`P18 ${title}: as natively, ${name} ${backing} (${who})`, async (t) => {
        if (skip !== undefined) return t.skip(skip);
        const [program, ...words] = prefix;
        const lacking = program === undefined ? undefined : await run([program, ...words, 'true']);
        if (lacking !== undefined && lacking.code !== 0)
          return t.skip(`it does not go here: ${lacking.stderr}`);
        const natively = await perform(t, undefined, {});
        assert.ok(Object.keys(natively.said).length > 0);
        assert.deepEqual(await perform(t, ['--read-only', ...options], { ...env }), natively);
      });
    }
  }
}

sameTest(
  'another user, with and without a group',
  `in_process(lambda: (become(), changes('nobody')))
in_process(lambda: (become(1, (100,)), changes('one')))`,
);

sameTest(
  'another effective user, who comes back',
  `
os.seteuid(65534); changes('effective')
os.seteuid(0); changes('again')`,
);

sameTest(
  'root without capabilities',
  String.raw`
def without(kept): assert sc(126, struct.pack('II', 0x20080522, 0), struct.pack('IIIIII', kept, kept, 0, 0, 0, 0)) == 0
# The capabilities of a sandbox, less CAP_DAC_OVERRIDE and CAP_FOWNER; less CAP_CHOWN; none.
for label, kept in dict(files=0xf0, owner=0xfa & 0x4fb, none=0).items(): in_process(lambda: (without(kept), changes(label)))`,
);

sameTest(
  'groups that are given up',
  `
in_process(lambda: (os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(1, 1, 1), changes('less')))
in_process(lambda: (os.setgroups([100]), sc(123, 100), changes('file-group')))`,
);

sameTest(
  'threads, each with a file system user of its own',
  String.raw`
def work(user):
    found = set()
    for turn in range(40):
        sc(123, user); sc(122, user)
        made = f'{A}t{user}-{turn}'
        opened(made, 0o101, 0o644)
        found.add((sc(90, A + 'f', 0o640), sc(90, made, 0o600), opened2(A + 'secret', 0), opened(A + 'ones', 1)))
        sc(122, 0); sc(123, 0)
        if user: found.add((sc(90, f'{A}t{user}-{turn}', 0o644),))
    said[str(user)] = sorted([list(each) for each in found])
threads = [threading.Thread(target=work, args=(user,)) for user in (0, 1, 2, 65534)]
for thread in threads: thread.start()
for thread in threads: thread.join()`,
);

sameTest(
  'set-group-id bits, umask and default ACLs',
  String.raw`
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', tag, perm, who) for tag, perm, who in ((1, 7, 2**32 - 1), (2, 6, 1), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)))
attempt('acl', lambda: os.setxattr(A + 'shared', 'system.posix_acl_default', acl))
def other():
    become(); os.umask(0o27)
    for folder in ('', 'shared/'):
        attempt(folder + 'file', lambda: opened(A + folder + 'made', 0o101, 0o666)); attempt(folder + 'dir', lambda: sc(83, A + folder + 'dir', 0o2777))
        for mode in (0o2755, 0o4755, 0o6777): attempt(f'{folder}{mode:o}', lambda: sc(90, A + folder + 'made', mode)); said[f'{folder}{mode:o} is'] = os.stat(A + folder + 'made').st_mode
        attempt(folder + 'group', lambda: sc(94, A + folder + 'made', -1, 100))
in_process(other)`,
);

sameTest(
  'descriptors, memory and links in /proc of one’s own',
  String.raw`
def other():
    become()
    fd = os.open(A + 'mine', os.O_RDWR | os.O_CREAT, 0o600)
    held = os.open(A + 'secret-held', os.O_RDONLY)
    for path in (f'/proc/self/fd/{fd}', f'/dev/fd/{fd}', f'/proc/{os.getpid()}/fd/{fd}', f'/proc/thread-self/fd/{fd}'): attempt(path.replace(str(os.getpid()), 'N'), lambda: opened(path, 0o1001))
    attempt('held', lambda: opened(f'/proc/self/fd/{held}', 2)); attempt('fchmod', lambda: os.fchmod(held, 0o777)); attempt('fchmod own', lambda: os.fchmod(fd, 0o640))
    attempt('parent', lambda: opened2(f'/proc/{os.getppid()}/environ', 0)); attempt('parent fd', lambda: opened(f'/proc/{os.getppid()}/fd/{parents}', 1))
    attempt('relative', lambda: (os.chdir(A + 'shared'), opened('../shared/r', 0o101, 0o600))[1])
os.close(os.open(A + 'secret-held', os.O_CREAT | os.O_WRONLY, 0o604))
parents = os.open(A + 'secret', os.O_RDWR)
in_process(other)`,
);

sameTest(
  'FIFOs, waited for',
  String.raw`
os.mkfifo(A + 'roots-fifo', 0o600)
def other():
    become(); os.mkfifo(A + 'fifo', 0o600)
    def write(): fd = os.open(A + 'fifo', os.O_WRONLY); os.write(fd, b'xyz'); os.close(fd)
    thread = threading.Thread(target=write); thread.start()
    attempt('read', lambda: len(os.read(os.open(A + 'fifo', os.O_RDONLY), 8))); thread.join()
    for flags in (0, 1, 2): attempt(f'closed {flags}', lambda: opened2(A + 'roots-fifo', flags)); attempt(f'closed, by open {flags}', lambda: opened(A + 'roots-fifo', flags))
in_process(other)`,
);

sameTest(
  'Unix sockets, who may reach them, and who is said to have called',
  String.raw`
CREDENTIALS = 2
closed = socket.socket(socket.AF_UNIX); closed.bind(A + 'closed-socket'); os.chmod(A + 'closed-socket', 0o700); closed.listen(1)
def users(message): return list(struct.unpack('iii', message[1][0][2])[1:])
def other(user, groups):
    become(user, groups)
    for name in ('closed-socket',): attempt('closed', lambda: socket.socket(socket.AF_UNIX).connect(A + name))
    server = socket.socket(socket.AF_UNIX); attempt('bind', lambda: server.bind(A + f's{user}')); server.listen(1)
    client = socket.socket(socket.AF_UNIX); attempt('connect', lambda: client.connect(A + f's{user}'))
    accepted = server.accept()[0]
    said['peer'] = list(struct.unpack('iii', accepted.getsockopt(1, 17, 12))[1:])
    said['groups'] = len(accepted.getsockopt(1, 59, 1024))
    for name in ('roots', 'ones-place'): attempt(name, lambda: socket.socket(socket.AF_UNIX).bind(A + name + '/s'))
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); receiver.setsockopt(1, 16, 1); receiver.bind(A + f'd{user}')
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    attempt('datagram', lambda: sender.sendto(b'x', A + f'd{user}')); attempt('added', lambda: users(receiver.recvmsg(8, 128, 64)))
    for uid, gid in ((user, user), (0, 0), (0, user), (user, 0), (2, 2)):
        attempt(f'named {uid} {gid}', lambda: sender.sendmsg([b'x'], [(1, CREDENTIALS, struct.pack('iii', os.getpid(), uid, gid))], 0, A + f'd{user}'))
        attempt(f'named {uid} {gid} seen', lambda: users(receiver.recvmsg(8, 128, 64)))
in_process(lambda: other(65534, ())); in_process(lambda: other(1, (100, 7)))`,
);

sameTest(
  'signals',
  String.raw`
def other():
    become()
    attempt('root', lambda: sc(62, os.getppid(), 0)); attempt('self', lambda: sc(62, os.getpid(), 0)); attempt('group', lambda: min(0, sc(62, -os.getpid(), 0)))
    pid = os.fork()
    if pid == 0: signal.pause(); os._exit(0)
    attempt('child', lambda: sc(62, pid, 15)); attempt('ended by', lambda: os.waitpid(pid, 0)[1])
    attempt('nice', lambda: sc(141, 0, os.getppid(), 5))
in_process(other)`,
);

sameTest(
  'all threads become another user while one of them changes files',
  String.raw`
become_now, results, late = threading.Event(), [], []
def work():
    become_now.set()
    while not done.is_set(): (late if gone.is_set() else results).append(sc(90, A + 'f', 0o640))
done, gone = threading.Event(), threading.Event()
thread = threading.Thread(target=work); thread.start(); become_now.wait()
time.sleep(0.05)
os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
# The call that was under way when the flag is set may be seen as late, with what root could do.
gone.set(); time.sleep(0.1); done.set(); thread.join()
said['late'] = sorted(set(late[1:]))
said['first'] = results[0]`,
);

/** Runs its words in a user namespace that knows the first thousand users, so that root there is root over these alone. */
const THOUSAND_USERS = [
  'python3',
  '-c',
  String.raw`
import ctypes, os, sys
libc = ctypes.CDLL(None); ready, go = os.pipe(), os.pipe(); pid = os.fork()
if pid == 0:
    if libc.unshare(0x10000000) != 0: os._exit(77)
    os.write(ready[1], b'x'); os.read(go[0], 1); os.setgroups([]); os.setresgid(0, 0, 0); os.setresuid(0, 0, 0); os.execvp(sys.argv[1], sys.argv[1:])
os.close(ready[1])
if os.read(ready[0], 1):
    for kind in ('uid', 'gid'): open(f'/proc/{pid}/{kind}_map', 'w').write('0 0 1001\n')
os.write(go[1], b'x'); sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`,
];

sameTest(
  'root, and another user, of a user namespace that does not know all',
  String.raw`
in_process(lambda: (changes('root'),)); in_process(lambda: (become(1, (100,)), changes('one')))
def unknown(): attempt('unknown', lambda: os.setresuid(65534, 65534, 65534)); attempt('given', lambda: sc(94, A + 'f', 65534, 65534)); attempt('own', lambda: sc(90, A + 'f', 0o666))
in_process(unknown)`,
  THOUSAND_USERS,
);

/** Ambient capabilities outlast the change of user and the next program, and so does what was inherited; the kernel asks for effective ones. */
const AMBIENT = String.raw`
CAP_DAC_OVERRIDE, CAP_FOWNER = 1, 3
def raise_ambient(*capabilities):
    "Another user who keeps capabilities for the programs that it executes (capabilities(7), PR_SET_KEEPCAPS)."
    bits = sum(1 << c for c in capabilities)
    assert sc(157, 8, 1) == 0; become()
    assert sc(126, struct.pack('II', 0x20080522, 0), struct.pack('IIIIII', bits, bits, bits, 0, 0, 0)) == 0
    for c in capabilities: assert sc(157, 47, 2, c) == 0
def by_program(prepare):
    reader, writer = os.pipe()
    if os.fork() == 0:
        prepare(); os.dup2(writer, 9)
        os.execv(sys.executable, [sys.executable, '-c', CODE, ROOT])
    os.close(writer); said.update(json.loads(os.read(reader, 65536)))
CODE = """
import json, os, sys
A, said = sys.argv[1] + '/a/', {}
def attempt(name, action):
    try: action(); said[name] = 0
    except OSError as error: said[name] = error.errno
for name in ('secret', 'ones', 'closed/f', 'f'):
    attempt('chmod ' + name, lambda: os.chmod(A + name, 0o644)); attempt('write ' + name, lambda: open(A + name, 'a').close()); attempt('truncate ' + name, lambda: os.truncate(A + name, 1))
attempt('make', lambda: os.mkdir(A + 'roots/made')); attempt('chown', lambda: os.chown(A + 'f', 1, 1)); attempt('signal', lambda: os.kill(os.getppid(), 0))
said['effective'] = [line for line in open('/proc/self/status') if line.startswith('CapEff')][0]
os.write(9, json.dumps(said).encode())
"""
`;
for (const capabilities of ['CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_DAC_OVERRIDE, CAP_FOWNER']) {
  sameTest(
    `another user with ambient ${capabilities}`,
    `${AMBIENT}\nby_program(lambda: raise_ambient(${capabilities})); said['effective'] = int(said['effective'].split()[1], 16)`,
  );
}

sameTest(
  'another user who drops what is ambient and inherited again, and one that had nothing but inheritable capabilities',
  `${AMBIENT}
by_program(lambda: (raise_ambient(CAP_DAC_OVERRIDE), sc(157, 47, 4)))
first = dict(said); said.clear(); by_program(lambda: (raise_ambient(CAP_FOWNER), sc(157, 47, 3, CAP_FOWNER)))
said.update({'first ' + name: value for name, value in first.items()})
for name in ('effective', 'first effective'): said[name] = int(said[name].split()[1], 16)`,
);

if (isRoot) {
  attackTest({
    id: 'P18',
    title: 'another user who executes a set-user-ID program of root’s',
    script: `${PRELUDE}
become(); os.execv(ROOT + '/a/chmod', ['chmod', '666', ROOT + '/a/secret'])`,
    prepare: (ground) => {
      furnish(ground);
      copyFileSync('/bin/chmod', join(ground.a, 'chmod'));
      chmodSync(join(ground.a, 'chmod'), 0o4755);
    },
    worked: ({ a }) => (lstatSync(join(a, 'secret')).mode & 0o777) === 0o666,
    inside: ({ a }, { code }) =>
      assert.deepEqual([lstatSync(join(a, 'secret')).mode & 0o777, code], [0o600, 1]),
    lacking: () => 'set-user-ID programs have no effect on this file system',
  });
}

/** Programs that give up root, each with the words that start it. */
const DROPS: Readonly<Record<string, (command: string) => [string, ...string[]]>> = {
  setpriv: (command: string) => [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    'sh',
    '-c',
    command,
  ],
  su: (command: string) => ['su', 'nobody', '-s', '/bin/sh', '-c', command],
};
for (const [program, words] of Object.entries(DROPS)) {
  for (const { name, options } of engines) {
    for (const { name: backing, env } of backings) {
      void test(`P18 ${program} gives up root and works on: ${name} ${backing} (${who})`, async (t) => {
        if (skip !== undefined) return t.skip(skip);
        const perform = async (
          sandbox: (ground: Ground, command: [string, ...string[]]) => [string, ...string[]],
          more: NonNullable<RunOptions['env']>,
        ): Promise<[Outcome, string[]]> => {
          const ground = makeGround(t);
          furnish(ground);
          const command = `cd ${ground.a}/shared && umask 027 && echo x >made && chmod 604 made && touch -d @1 made && mkdir d && mv made d/m && ln d/m d/n && id -u
            echo x >../f; chmod 777 ../f; rm ../f; cat ../secret; rm -rf ../ones ../closed; ls -ln d | wc -l`;
          const outcome = await run(sandbox(ground, words(command)), {
            cwd: ground.a,
            env: more,
          });
          const text = (output: string): string => output.replaceAll(ground.root, 'ROOT');
          return [
            { ...outcome, stdout: text(outcome.stdout), stderr: text(outcome.stderr) },
            picture(ground),
          ];
        };
        const natively = await perform((_ground, command) => command, {});
        assert.match(natively[0].stdout, /65534/);
        const inside = await perform(
          (ground, command) =>
            secfiltWords([...options, '--read-only', `--write-allow=${ground.a}`, '--', ...command]),
          { ...env },
        );
        assert.deepEqual(inside, natively);
      });
    }
  }
}

/** Where credentials cannot be taken on, or their bearer not be looked at: what starts secfilt, and what of it a chmod gives. */
const LACKING: Readonly<
  Record<string, { readonly words: readonly string[]; readonly script: string; readonly expected: object }>
> = {
  'without CAP_SYS_PTRACE, after another program was executed': {
    words: ['setpriv', '--bounding-set=-sys_ptrace'],
    script: `os.execvp('setpriv', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', sys.executable, '-c',
'import os, json; fd = os.open("' + A + 'made", os.O_CREAT | os.O_WRONLY, 0o600); os.fchmod(fd, 0o640); print(json.dumps(dict(mode=os.stat(fd).st_mode & 0o777)))'])`,
    expected: { mode: 0o640 },
  },
  'without CAP_SYS_PTRACE, by the program itself': {
    words: ['setpriv', '--bounding-set=-sys_ptrace'],
    script: `become(); say(secret=sc(90, A + 'secret', 0o666), roots=sc(90, A + 'f', 0o666), read=opened(A + 'secret', 0))`,
    expected: { secret: -1, roots: -1, read: -13 },
  },
  'in a user namespace that knows no other group': {
    words: ['unshare', '--user', '--map-root-user'],
    script: `assert sc(126, struct.pack('II', 0x20080522, 0), bytes(24)) == 0
say(ones=sc(90, A + 'ones', 0o666), again=sc(90, A + 'f', 0o666))`,
    expected: { ones: -1, again: -1 },
  },
};
for (const [title, { words, script, expected }] of Object.entries(LACKING)) {
  for (const { name, options } of engines) {
    void test(`P18 ${title}: nothing with rights of ours, and the sandbox goes on, ${name} (${who})`, async (t) => {
      if (skip !== undefined) return t.skip(skip);
      const [program = '', ...rest] = words;
      const can = await run([program, ...rest, 'true']);
      if (can.code !== 0) return t.skip(can.stderr);
      const ground = makeGround(t);
      furnish(ground);
      const command = python(`${PRELUDE}\n${script}`, ground.root);
      const outcome = await run(
        [
          program,
          ...rest,
          ...secfiltWords([...options, '--read-only', `--write-allow=${ground.a}`, '--', ...command]),
        ],
        { cwd: ground.a },
      );
      assert.deepEqual(saidBy(outcome), expected);
      assert.equal(lstatSync(join(ground.a, 'secret')).mode & 0o777, 0o600);
      assert.equal(lstatSync(join(ground.a, 'ones')).mode & 0o777, 0o600);
    });
  }
}

/** secfilt is started in a directory that the user may not enter, and goes on there. */
for (const words of [['env'], ['setpriv', '--bounding-set=-sys_ptrace']] as const) {
  for (const { name, options } of engines) {
    for (const { name: backing, env } of backings) {
      void test(`P18 another user binds sockets, wherever secfilt was started (${words.join(' ')}): ${name} ${backing} (${who})`, async (t) => {
        if (skip !== undefined) return t.skip(skip);
        const ground = makeGround(t);
        furnish(ground);
        const script = `os.execvp('setpriv', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', sys.executable, '-c', """
import os, socket
def bound(path):
    try: socket.socket(socket.AF_UNIX).bind(path); return 0
    except OSError as error: return error.errno
print([bound(path) for path in ('${ground.a}/shared/s', 'relative', '../shared/t', '${ground.a}/roots/s')], os.path.exists('${ground.a}/shared/s'))"""])`;
        const perform = async (sandbox: readonly string[]): Promise<Outcome> => {
          const [program = '', ...rest] = [...words, ...sandbox, ...python(script, ground.root)];
          return run([program, ...rest], { cwd: join(ground.a, 'closed'), env: { ...env } });
        };
        const inside = await perform(
          secfiltWords([...options, '--read-only', `--write-allow=${ground.a}`, '--']),
        );
        assert.deepEqual(
          [inside.stdout, inside.stderr],
          ['[0, 13, 13, 13] True\n', ''],
          'as natively: only the absolute path leads there',
        );
      });
    }
  }
}
