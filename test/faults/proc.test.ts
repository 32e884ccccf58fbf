/** /proc that the supervisor cannot read: it does not start, or refuses what is referred to it. It allows and hangs never. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext } from 'node:test';

import { isRoot } from '../support/environment.ts';
import { type Ground, makeGround, python } from '../support/escape.ts';
import { ended, forEachWay, until } from '../support/faults.ts';
import { repetitions } from '../support/repeat.ts';
import { run, secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const RUNS = repetitions('SECFILTER_FAULT_RUNS', 1);

/** Root has a mount namespace of its own; others have one where the system gives them a user namespace as well. */
const UNSHARE = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount'];

/** Whether such a mount can be made; skips the test where not. */
async function canMount(t: TestContext, mount: string): Promise<boolean> {
  const { code, stderr } = await run([...UNSHARE, 'sh', '-c', mount]);
  if (code !== 0) t.skip(`cannot be mounted here: ${stderr.trim()}`);
  return code === 0;
}

const MARK = `open(f'{ROOT}/a/ran', 'w').close()`;

function sandbox(ground: Ground, options: readonly string[], script: string): string[] {
  return secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...python(script, ground.root)]);
}

for (const [title, hide] of [
  ['is covered by an empty file system', 'mount -t tmpfs none /proc'],
  ['is not mounted', 'umount -l /proc'],
] as const) {
  forEachWay(
    `/proc ${title}: secfilt says so and nothing runs, ${RUNS} times`,
    async (t, options, backing) => {
      if (!(await canMount(t, hide))) return;
      const ground = makeGround(t);
      const words = sandbox(ground, options, MARK);
      const hidden = [...UNSHARE, 'sh', '-c', `${hide} && exec "$@"`, 'sh', ...words];
      for (let turn = 0; turn < RUNS; turn += 1) {
        const { code, stdout, stderr } = await run(hidden, { env: backing.env });
        assert.deepEqual([code, stdout], [125, ''], stderr);
        assert.match(stderr, /^secfilt: read \/proc\/self\/status: no such file or directory/);
        assert.ok(!existsSync(join(ground.a, 'ran')));
      }
      // The same without the fault runs, so that it was the fault.
      assert.equal((await run(words, { env: backing.env })).code, 0);
      assert.ok(existsSync(join(ground.a, 'ran')));
    },
  );
}

forEachWay(
  '/proc of another PID namespace: secfilt says so and nothing runs',
  async (t, options, backing) => {
    const other = [
      'unshare',
      ...(isRoot ? [] : ['--user', '--map-root-user']),
      '--pid',
      '--fork',
      '--kill-child',
    ];
    const probe = await run([...other, 'true']);
    if (probe.code !== 0) return t.skip(`no namespace can be made here: ${probe.stderr.trim()}`);
    const ground = makeGround(t);
    const { code, stderr } = await run([...other, ...sandbox(ground, options, MARK)], { env: backing.env });
    assert.equal(code, 125, stderr);
    assert.match(stderr, /^secfilt: readlink \/proc\/self: .*mount the \/proc of this PID namespace/);
    assert.ok(!existsSync(join(ground.a, 'ran')));
  },
);

const COVERED = String.raw`
os.chdir(f'{ROOT}/a')
def inside(): return [sc(2, f'{ROOT}/a/new', 0o102, 0o644), sc(90, f'{ROOT}/a/f', 0o600), sc(90, 'f', 0o644), sc(83, 'd', 0o755)]
def outside(): return [sc(2, f'{ROOT}/o/f', 1), sc(2, '../o/n', 0o102, 0o644), sc(90, f'{ROOT}/o/f', 0o777), sc(92, '../o/f', 1, 1), sc(83, f'{ROOT}/o/d', 0o755),
    sc(87, f'{ROOT}/o/f'), sc(82, f'{ROOT}/o/f', f'{ROOT}/o/g'), sc(86, f'{ROOT}/o/f', f'{ROOT}/a/l'), sc(280, -100, f'{ROOT}/o/f', 0, 0),
    sc(188, f'{ROOT}/o/f', 'user.x', 'y', 1, 0), sc(62, int(os.environ['OUTSIDER']), 0)]
print('ready', flush=True)
while sys.stdin.readline():
    covered = inside(); hidden = outside(); proc = len(os.listdir('/proc'))
    print('tried', flush=True); sys.stdin.readline()
    uncovered = inside()
    for fd in (covered[0], uncovered[0]):
        if fd >= 0: sc(3, fd)
    say(proc=proc, hidden=hidden, inside=uncovered, outside=outside())`;

/** Starts the command, then covers /proc with each first line it is given, and uncovers it with each second. */
const COVERER = `"$@" <&3 3<&- & exec 3<&-; echo >&4
while read line; do
  mount -t tmpfs none /proc || exit 99; echo >&4; read line
  umount /proc || exit 98; echo >&4
done
wait $!`;

forEachWay(
  `/proc is covered while the sandbox runs, ${RUNS} times: what is referred is refused`,
  async (t, options, backing) => {
    if (!(await canMount(t, 'mount -t tmpfs none /proc && umount /proc'))) return;
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    const child = start([...UNSHARE, 'sh', '-c', COVERER, 'sh', ...sandbox(ground, options, COVERED)], {
      env: { ...backing.env, OUTSIDER: `${process.pid}` },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    let [said, steps, errors] = ['', 0, ''];
    child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
    child.stdio[4]?.on('data', (data: Buffer) => (steps += data.length));
    const [command, mounter] = [child.stdio[3], child.stdin];
    assert.ok(command && 'end' in command && mounter);
    await until('the command', () => said.endsWith('ready\n') && steps === 1);
    for (let turn = 0; turn < RUNS; turn += 1) {
      [said, steps] = ['', 0];
      mounter.write('\n');
      await until('the mount', () => steps === 1);
      command.write('\n');
      await until('its calls without /proc', () => said.endsWith('tried\n'));
      assert.deepEqual(strictSnapshot(ground.o), before, errors);
      mounter.write('\n');
      await until('the end of the mount', () => steps === 2);
      command.write('\n');
      await until('its calls with /proc', () => said.endsWith('}\n'));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script above wrote it
      const result = JSON.parse(said.slice(said.indexOf('{'))) as Record<string, number[]>;
      assert.equal(result['proc'], 0);
      for (const value of result['hidden'] ?? [0]) assert.ok(value < 0, said);
      // It has not lost its way: what is allowed works again.
      assert.ok(
        result['inside']?.every((value) => value >= 0 || value === -17),
        said,
      );
      for (const value of result['outside'] ?? [0]) assert.ok(value < 0, said);
      assert.deepEqual(strictSnapshot(ground.o), before);
    }
    command.end();
    mounter.end();
    await ended(child);
    assert.equal(child.exitCode, 0, errors);
  },
);
