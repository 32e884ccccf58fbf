/**
 * The supervisor does nothing with rights that the caller has not: for whose credentials are not its own it takes those on. It
 * does not read them anew for each call, so each call that changes them is tried here behind one that it has already performed.
 * What root's own rights would have done is never done; what the caller may do natively works (taken-credentials).
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isRoot } from '../support/environment.ts';
import { type Ground, insideTest, saidBy } from '../support/escape.ts';

const rootOnly = isRoot ? undefined : 'only root can change to another user';

/** A change of mode is performed in each form: by path, by descriptor, by descriptor and empty path. */
const SCRIPT = String.raw`
fd = os.open(f'{ROOT}/a/f', os.O_RDONLY)
def forms(mode): return [sc(90, f'{ROOT}/a/f', mode), sc(91, fd, mode), sc(452, fd, '', mode, 0x1000)]
def add_filter(*call):
    code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
    return sc(*call, struct.pack('HxxxxxxQ', 1, ctypes.addressof(code)))
def drop_capabilities(kept):
    return sc(126, struct.pack('II', 0x20080522, 0), struct.pack('IIIIII', kept, kept, 0, 0, 0, 0))
# Who changes user is not to be looked at any more, until it says otherwise: then its credentials alone are against it.
def look(): assert sc(157, 4, 1) == 0
def say_forms(**more): say(**more, **{f'form{n}': result for n, result in enumerate(forms(0o777))})
before = forms(0o600)
`;

/** What changes the credentials of the calling thread; it gives 0 where that worked. */
const CHANGES: Readonly<Record<string, string>> = {
  setuid: 'sc(105, 65534)',
  setgid: 'sc(106, 65534)',
  setreuid: 'sc(113, -1, 65534)',
  setregid: 'sc(114, -1, 65534)',
  setresuid: 'sc(117, -1, 65534, -1)',
  setresgid: 'sc(119, -1, 65534, -1)',
  setfsuid: 'sc(122, 65534)',
  setfsgid: 'sc(123, 65534)',
  setgroups: `sc(116, 1, struct.pack('I', 65534))`,
  'capset, all': 'drop_capabilities(0)',
  'capset, CAP_FOWNER alone': 'drop_capabilities(0xf3)',
};
const FILTERS: Readonly<Record<string, string>> = {
  'seccomp(2)': 'add_filter(317, 1, 0)',
  'prctl(2)': 'add_filter(157, 22, 2)',
};

let ground: Ground | undefined;

function policy(made: Ground): readonly string[] {
  ground = made;
  return [`--write-allow=${made.a}`];
}

/** The file is another's: to change it takes a capability, and whoever is no longer root has none. */
function foreignFile(made: Ground): readonly string[] {
  for (const folder of [made.root, made.a]) chmodSync(folder, 0o711);
  if (isRoot) chownSync(join(made.a, 'f'), 1, 1);
  return policy(made);
}

/** Who keeps root's capabilities may do so natively too. */
const KEEPS_CAPABILITIES = new Set(['setgid', 'setregid', 'setresgid', 'setfsgid', 'setgroups']);

function modeOfFile(): number {
  assert.ok(ground);
  return statSync(join(ground.a, 'f')).mode & 0o777;
}

function checkForms({ changed, ...forms }: Record<string, number>, expected: number): void {
  assert.equal(changed, 0);
  assert.deepEqual(forms, { form0: expected, form1: expected, form2: expected });
  assert.equal(modeOfFile(), expected === 0 ? 0o777 : 0o600);
}

for (const [name, change] of Object.entries(CHANGES)) {
  insideTest(
    `P18 nothing is performed with rights that a thread has not after ${name}`,
    // setfsuid(2) and setfsgid(2) give the id of before: 0.
    `${SCRIPT}\nchanged = ${change}\nlook()\nsay_forms(changed=changed)`,
    (outcome) => checkForms(saidBy(outcome), KEEPS_CAPABILITIES.has(name) ? 0 : -1),
    { policy: foreignFile, ...(rootOnly !== undefined && { skip: rootOnly }) },
  );
}

for (const [name, change] of Object.entries(FILTERS)) {
  insideTest(
    `P18 nothing is performed for a thread with a filter of its own, by ${name}`,
    `${SCRIPT}\nchanged = ${change}\nlook()\nsay_forms(changed=changed)`,
    (outcome) => checkForms(saidBy(outcome), -1),
    { policy },
  );
}

insideTest(
  'P18 a thread that has changed its credentials does not take those of others along',
  `${SCRIPT}
results = {}
def other(): results.update(changed=sc(122, 65534), look=look(), refused=sc(90, f'{ROOT}/a/f', 0o777))
thread = threading.Thread(target=other); thread.start(); thread.join()
say(**results, allowed=sc(90, f'{ROOT}/a/f', 0o640))`,
  (outcome) => {
    assert.deepEqual(saidBy(outcome), { changed: 0, look: null, refused: -1, allowed: 0 });
    assert.equal(modeOfFile(), 0o640);
  },
  { policy: foreignFile, ...(rootOnly !== undefined && { skip: rootOnly }) },
);

insideTest(
  'P18 who sets what is set already is served as before',
  `${SCRIPT}
before += [sc(105, os.getuid()), sc(106, os.getgid()), sc(117, -1, -1, -1), sc(157, 24, 41)]
say_forms(changed=max(before[:-1]))`,
  (outcome) => {
    assert.deepEqual(saidBy(outcome), { changed: 0, form0: 0, form1: 0, form2: 0 });
    assert.equal(modeOfFile(), 0o777);
  },
  { policy },
);

insideTest(
  'P18 P25 a call that a tracer inside turns into setresuid(2) on its way is noted as well',
  `${SCRIPT}
TRACEME, SYSCALL, GETREGS, SETREGS, SETOPTIONS = 0, 24, 12, 13, 0x4200
GETPID, SETRESUID = 39, 117
RDX, RSI, RDI, NUMBER = 12, 13, 14, 15
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    if sc(101, TRACEME, 0, 0, 0) < 0: os._exit(1)
    os.kill(os.getpid(), signal.SIGSTOP)
    sc(GETPID)
    look()
    os.write(writer, json.dumps(dict(user=os.geteuid(), refused=sc(90, f'{ROOT}/a/f', 0o777))).encode())
    os._exit(0)
status = os.waitpid(child, 0)[1]
traced = int(os.WIFSTOPPED(status))
if traced: sc(101, SETOPTIONS, child, 0, 1)
while os.WIFSTOPPED(status):
    words = (ctypes.c_ulong * 27)()
    sc(101, GETREGS, child, 0, words)
    if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80 and words[NUMBER] == GETPID:
        words[NUMBER], words[RDI], words[RSI], words[RDX] = SETRESUID, 2**64 - 1, 65534, 2**64 - 1
        sc(101, SETREGS, child, 0, words)
    sc(101, SYSCALL, child, 0, 0)
    status = os.waitpid(child, 0)[1]
say(traced=traced, **(json.loads(os.read(reader, 4096)) if traced else {}))`,
  (outcome, engine, { landlock }) => {
    // Tracing is refused to all others (docs/engines.md).
    const traced = engine === 'notify' && landlock;
    assert.deepEqual(saidBy(outcome), traced ? { traced: 1, user: 65534, refused: -1 } : { traced: 0 });
    assert.equal(modeOfFile(), 0o600);
  },
  { policy: foreignFile, ...(rootOnly !== undefined && { skip: rootOnly }) },
);

/** Who may not look into a directory learns nothing of it by the supervisor, which may. */
for (const name of ['setfsuid', 'setfsgid', 'setgroups', 'capset, all']) {
  insideTest(
    `S12 P18 after ${name} nothing is found out, nor a place had, in a directory of somebody else's`,
    `${SCRIPT}
changed = ${CHANGES[name]}
look()
closed = f'{ROOT}/o/closed'
def place(path, flags=0): return struct.pack('QQQ', 0o10000000 | flags, 0, 0)
def attempts(name):
    path = f'{closed}/{name}'
    return [sc(437, -100, path, place(path), 24), sc(2, path, 1), sc(2, path, 0o1003), sc(85, path, 0o600), sc(76, path, 0), sc(90, path, 0o600),
            sc(83, path, 0o755), sc(84, path), sc(87, path), sc(88, 'x', path), sc(86, path, ROOT + '/a/l'), sc(82, path, ROOT + '/a/l'), sc(133, path, 0o10600, 0),
            sc(188, path, 'user.x', b'x', 1, 0), sc(280, -100, path, 0, 0), sc(94, path, 0, 0)]
found = {name: attempts(name) for name in ('f', 'd', 'missing', 'missing/below')}
say(changed=changed, opened=sum(r >= 0 for results in found.values() for r in results), told=sum(results != found['missing'] for results in found.values()))`,
    (outcome) => {
      const { changed, opened, told } = saidBy(outcome);
      assert.equal(changed, 0);
      // The kernel answers as natively: who kept root's capabilities may look.
      if (KEEPS_CAPABILITIES.has(name)) assert.ok((told ?? 0) > 0);
      else assert.deepEqual({ opened, told }, { opened: 0, told: 0 });
    },
    {
      policy: (made) => {
        // Owned by another, so that only capabilities, or root's own id, open it.
        const closed = join(made.o, 'closed');
        mkdirSync(join(closed, 'd'), { recursive: true });
        writeFileSync(join(closed, 'f'), '');
        chownSync(closed, 1, 1);
        chmodSync(closed, 0o700);
        return policy(made);
      },
      ...(rootOnly !== undefined && { skip: rootOnly }),
    },
  );
}

insideTest(
  'S12 P18 who has become another user works on, as far as the policy goes',
  String.raw`
os.mkdir(ROOT + '/a/open'); os.chmod(ROOT + '/a/open', 0o1777)
os.chmod(ROOT, 0o711); os.chmod(ROOT + '/a', 0o711)
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
results = {}
def attempt(name, action):
    try: action(); results[name] = 0
    except OSError as error: results[name] = -error.errno
place = ROOT + '/a/open/'
attempt('write', lambda: open(place + 'f', 'w').write('x'))
attempt('mkdir', lambda: os.mkdir(place + 'd'))
attempt('rename', lambda: os.rename(place + 'f', place + 'd/f'))
attempt('remove', lambda: os.remove(place + 'd/f'))
attempt('own', lambda: os.close(os.open('/proc/self/mem', os.O_RDWR)))
attempt('other', lambda: os.close(os.open(f'/proc/{os.getppid()}/oom_score_adj', os.O_WRONLY)))
attempt('kernel', lambda: os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)))
say(**results)`,
  (outcome) => {
    const { own, other, kernel, ...rest } = saidBy(outcome);
    const expected = 0;
    assert.deepEqual(rest, { write: expected, mkdir: expected, rename: expected, remove: expected });
    for (const result of [other, kernel])
      assert.ok((result ?? 0) < 0, JSON.stringify({ own, other, kernel }));
  },
  {
    policy: () => ['--no-outbound-network'],
    ...(rootOnly !== undefined && { skip: rootOnly }),
  },
);
