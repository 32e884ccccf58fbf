/**
 * Files by which the kernel acts for whoever writes to them, under policies that say nothing of files: they are an open way to
 * processes outside, and to the machine.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import {
  attackTest,
  engines,
  type Ground,
  insideTest,
  makeGround,
  python,
  saidBy,
} from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const POLICIES: readonly (readonly [string, readonly string[]])[] = [
  ['no policy', []],
  ['network alone', ['--no-outbound-network']],
];

/** A process outside, as a program of the same user's; its memory is at an address that it tells. */
const VICTIM = String.raw`
word = ctypes.create_string_buffer(b'kept')
libc.prctl(0x59616d61, ctypes.c_long(-1), 0, 0, 0)
open(ROOT + '/victim.new', 'w').write(f'{os.getpid()} {ctypes.addressof(word)}')
os.rename(ROOT + '/victim.new', ROOT + '/victim')
while word.value == b'kept': time.sleep(0.02)
open(ROOT + '/o/f', 'wb').write(word.value)
time.sleep(60)
`;

async function startVictim({ root }: Ground, t: TestContext): Promise<ChildProcess> {
  const [file, ...words] = python(VICTIM, root);
  const victim = spawn(file, words, { stdio: 'ignore' });
  t.after(() => victim.kill('SIGKILL'));
  while (!existsSync(join(root, 'victim'))) await new Promise((done) => setTimeout(done, 10));
  return victim;
}

function settingOf({ root }: Ground, name: string): string {
  const pid = readFileSync(join(root, 'victim'), 'utf8').split(' ')[0] ?? '';
  return readFileSync(`/proc/${pid}/${name}`, 'utf8').trim();
}

const before = new Map<string, string>();

/** Every way to open for writing that a register or memory tells of: what may make a file, and what may not. */
const WAYS = String.raw`
PID, ADDRESS = open(ROOT + '/victim').read().split()
OPENS = [
  lambda path: os.open(path, os.O_WRONLY),
  lambda path: os.open(path, os.O_RDWR),
  lambda path: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
  lambda path: sc(85, path, 0o600),
  lambda path: sc(437, -100, path, struct.pack('QQQ', 1, 0, 0), 24),
  lambda path: sc(2, path, 3),
  lambda path: os.open(f'/proc/self/fd/{os.open(path, os.O_PATH)}', os.O_WRONLY),
]
def put(path, data, at=None):
    for way in OPENS:
        try: fd = way(path)
        except OSError: continue
        if fd < 0: continue
        try: os.write(fd, data) if at is None else os.pwrite(fd, data, at)
        except OSError: pass
        os.close(fd)
`;

for (const [name, options] of POLICIES) {
  for (const [setting, value] of [
    ['oom_score_adj', '777'],
    ['coredump_filter', '0x3'],
  ] as const) {
    attackTest({
      id: 'S06',
      title: `${setting} of a process outside is written, ${name}`,
      prepare: async (ground, t) => {
        await startVictim(ground, t);
        before.set(ground.root, settingOf(ground, setting));
      },
      script: `${WAYS}
put(f'/proc/{PID}/${setting}', b'${value}')
put(f'/proc/{PID}/task/{PID}/${setting}', b'${value}')`,
      policy: () => options,
      worked: (ground) => settingOf(ground, setting) !== before.get(ground.root),
    });
  }

  attackTest({
    id: 'S06',
    title: `memory of a process outside is written, ${name}`,
    prepare: async (ground, t) => void (await startVictim(ground, t)),
    script: `${WAYS}
put(f'/proc/{PID}/mem', b'gone', int(ADDRESS))
put(f'/proc/{PID}/task/{PID}/mem', b'gone', int(ADDRESS))
time.sleep(0.5)`,
    policy: () => options,
  });

  attackTest({
    id: 'S06',
    title: `core_pattern is written, ${name}`,
    ...(isRoot ? {} : { natively: 'only root can' }),
    script: String.raw`
for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT):
    try: os.open('/proc/sys/kernel/core_pattern', flags)
    except OSError: continue
    open(ROOT + '/o/f', 'w').write('opened')`,
    policy: () => options,
  });
}

/** Mounts of control groups here, and a group of ours in one of them. */
function controlGroups(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
}

void test(`S06 control groups are neither written to nor made nor removed (${who})`, async (t) => {
  if (!isRoot) return t.skip('only root makes control groups here');
  const groups: string[] = [];
  for (const mount of controlGroups()) {
    const group = join(mount, `secfilter-test-${process.pid}`);
    try {
      mkdirSync(group);
      groups.push(group);
    } catch {
      continue;
    }
  }
  t.after(() => groups.forEach((group) => existsSync(group) && rmdirSync(group)));
  if (groups.length === 0) return t.skip('no control groups can be made here');
  for (const engine of engines) {
    for (const backing of backings) {
      for (const [name, options] of POLICIES) {
        const ground = makeGround(t);
        const victim = spawn('sleep', ['60'], { stdio: 'ignore' });
        t.after(() => victim.kill('SIGKILL'));
        const script = `
for group in ${JSON.stringify(groups)}:
    for file, data in (('cgroup.procs', b'${victim.pid}'), ('tasks', b'${victim.pid}'), ('cgroup.kill', b'1'), ('cgroup.freeze', b'1')):
        for flags in (os.O_WRONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
            try: os.write(os.open(f'{group}/{file}', flags), data)
            except OSError: continue
    for change in (lambda: None, lambda: sc(123, 1)):
        change()
        for call in (lambda: os.mkdir(group + '/made'), lambda: os.rename(group, group + '2'), lambda: os.rmdir(group)):
            try: call()
            except OSError: pass`;
        const where = (): string => readFileSync(`/proc/${victim.pid}/cgroup`, 'utf8');
        const was = where();
        await run(secfiltWords([...engine.options, ...options, '--', ...python(script, ground.root)]), {
          env: backing.env,
        });
        const what = `${engine.name} ${backing.name}, ${name}`;
        assert.equal(where(), was, what);
        for (const group of groups) {
          assert.ok(existsSync(group), `${what}: ${group} is gone`);
          const made = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
          assert.deepEqual(
            made.map((entry) => entry.name),
            [],
            what,
          );
        }
      }
    }
  }
});

insideTest(
  'S06 the settings of processes of the sandbox are their own to write, and other files as natively',
  String.raw`
child = os.fork()
if child == 0:
    time.sleep(30); os._exit(0)
results = {}
def attempt(name, action):
    try: action(); results[name] = 0
    except OSError as error: results[name] = -error.errno
def write(path, data, flags=os.O_WRONLY):
    fd = os.open(path, flags)
    try: os.write(fd, data)
    finally: os.close(fd)
for pid in ('self', 'thread-self', f'{os.getpid()}/task/{os.getpid()}', child):
    attempt(f'comm {pid}'.split('/')[0], lambda: write(f'/proc/{pid}/comm', b'other') if pid != child else write(f'/proc/{pid}/oom_score_adj', b'900'))
for name in ('oom_score_adj', 'coredump_filter', 'clear_refs'):
    data = {'oom_score_adj': b'500', 'coredump_filter': b'0x33', 'clear_refs': b'1'}[name]
    attempt(name, lambda: write(f'/proc/self/{name}', data))
attempt('mem', lambda: os.close(os.open('/proc/self/mem', os.O_RDWR)))
os.mkdir(ROOT + '/d')
attempt('move', lambda: os.rename(ROOT + '/a/f', ROOT + '/d/f'))
attempt('link', lambda: os.link(ROOT + '/d/f', ROOT + '/a/l'))
attempt('write', lambda: write(ROOT + '/d/f', b'x', os.O_WRONLY | os.O_TRUNC))
attempt('null', lambda: write('/dev/null', b'x'))
attempt('memory file', lambda: write(f'/proc/self/fd/{os.memfd_create("x")}', b'x'))
attempt('pipe', lambda: write(f'/proc/self/fd/{os.pipe()[1]}', b'x'))
attempt('nameless', lambda: os.close(os.open(ROOT, os.O_TMPFILE | os.O_RDWR)))
os.kill(child, 9)
say(**{name: value for name, value in results.items() if value})`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
  { policy: () => ['--mainstream-network-families'] },
);

void test(`S06 a directory that root makes in the root is written to (${who})`, async (t) => {
  if (!isRoot) return t.skip('only root can');
  for (const engine of engines) {
    for (const backing of backings) {
      const name = `/secfilter-test-${process.pid}`;
      const script = `mkdir ${name} && echo x > ${name}/f && echo y >> ${name}/f && cat ${name}/f; rm -r ${name}`;
      const words = secfiltWords([...engine.options, '--no-outbound-network', 'sh', '-c', script]);
      const outcome = await run(words, { env: backing.env });
      assert.deepEqual([outcome.stdout, outcome.stderr, outcome.code], ['x\ny\n', '', 0]);
      assert.equal(existsSync(name), false);
    }
  }
});
