/** What attacks an executable that --compile has made, before its next start or at it. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { servedFarewell } from '../../src/launch/served-rows.ts';
import { Region } from '../../src/launch/region.ts';
import { isRoot, secfiltScript, testEngine, who } from '../support/environment.ts';
import { type Ground, makeGround, python } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { type Outcome, run, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
const ALONE = ['--engine=kernel'];
const KINDS = [
  { kind: 'stand-alone', options: ALONE },
  { kind: 'client', options: testEngine === 'trace' ? ['--engine=trace'] : [] },
];

function lacks(options: readonly string[]): string | undefined {
  if (options !== ALONE) return undefined;
  if (testEngine === 'trace') return 'no other engine has a part in it';
  return landlockVersion() < 6 ? 'the kernel engine needs Landlock ABI 6' : undefined;
}

function environmentOf({ root }: Ground): Record<string, string | undefined> {
  return { PATH, XDG_RUNTIME_DIR: root, NODE_OPTIONS: undefined };
}

function compile(
  ground: Ground,
  file: string,
  options: readonly string[],
  command: readonly string[],
): Promise<Outcome> {
  return run([process.execPath, secfiltScript, `--compile=${file}`, ...options, '--', ...command], {
    cwd: ground.a,
    env: environmentOf(ground),
  });
}

async function compiled(
  ground: Ground,
  options: readonly string[],
  command: readonly string[],
): Promise<string> {
  const file = join(ground.root, 'compiled');
  const { code, stderr } = await compile(ground, file, options, command);
  assert.equal(code, 0, stderr);
  return file;
}

for (const { kind, options } of KINDS) {
  void test(`F14 F15 ${kind}: a path that was compiled becomes a link, and the next start says so (${who})`, async (t) => {
    const lack = lacks(options);
    if (lack !== undefined) return t.skip(lack);
    for (const [make, lay] of [
      [(ground: Ground) => mkdirSync(join(ground.a, 'x')), 'rmdir x && ln -s ../o x'],
      [
        (ground: Ground) =>
          [join(ground.a, 'x/y'), join(ground.o, 'y')].map((path) => mkdirSync(path, { recursive: true })),
        'mv x z && ln -s ../o x',
      ],
    ] as const) {
      const ground = makeGround(t);
      make(ground);
      const path = lay.startsWith('mv') ? 'x/y' : 'x';
      const before = strictSnapshot(ground.o);
      const words = [...options, `--write-allow=${ground.a},${ground.a}/${path}`];
      const file = await compiled(ground, words, ['sh', '-c']);
      const run2 = (script: string): Promise<Outcome> =>
        run([file, script], { cwd: ground.a, env: environmentOf(ground) });
      assert.equal((await run2(lay)).code, 0);
      const later = await run2('echo x > ../o/f; echo x > ../o/new; echo x > ../o/y/new');
      assert.deepEqual([later.code, later.stdout], [125, '']);
      assert.match(later.stderr, /leads through/);
      assert.deepEqual(strictSnapshot(ground.o), before);
    }
  });

  void test(`F15 ${kind}: it is not made where the command may make changes (${who})`, async (t) => {
    const lack = lacks(options);
    if (lack !== undefined) return t.skip(lack);
    const ground = makeGround(t);
    symlinkSync(ground.o, join(ground.a, 'link'));
    const words = [...options, `--write-allow=${ground.a}`];
    for (const file of [
      join(ground.a, 'it'),
      'it',
      join(ground.a, 'link/it'),
      join(ground.o, '../a/it'),
      '/dev/shm/secfilter-it',
    ]) {
      const { code, stderr } = await compile(ground, file, words, ['true']);
      assert.equal(code, 125, file);
      assert.match(stderr, /is where the command may make changes/);
    }
    assert.equal((await compile(ground, join(ground.o, 'it'), words, ['true'])).code, 0);
  });
}

void test(`F15 stand-alone: moved to where the command may make changes it does not start (${who})`, async (t) => {
  const lack = lacks(ALONE);
  if (lack !== undefined) return t.skip(lack);
  const ground = makeGround(t);
  mkdirSync(join(ground.a, 'in'));
  const file = await compiled(ground, [...ALONE, `--write-allow=${ground.a}`], ['true']);
  const inside = join(ground.a, 'in/it');
  copyFileSync(file, inside);
  symlinkSync(inside, join(ground.o, 'link'));
  // A name that begins alike is none of the tree.
  const beside = `${ground.a}bove`;
  copyFileSync(file, beside);
  for (const [started, code] of [
    [inside, 125],
    [join(ground.o, 'link'), 125],
    [beside, 0],
    [file, 0],
  ] as const) {
    const outcome = await run([started], { env: environmentOf(ground) });
    assert.equal(outcome.code, code, started);
    if (code !== 0) assert.match(outcome.stderr, /it holds this program/);
  }
});

void test(`F15 stand-alone: what an allowed path is at the start decides, and what is missing is said (${who})`, async (t) => {
  const lack = lacks(ALONE);
  if (lack !== undefined) return t.skip(lack);
  const ground = makeGround(t);
  const inner = join(ground.a, 'x');
  mkdirSync(inner);
  const file = await compiled(
    ground,
    [...ALONE, `--write-allow=${inner}`],
    ['sh', '-c', 'echo x > x/f; echo x > f'],
  );
  const started = (): Promise<Outcome> => run([file], { cwd: ground.a, env: environmentOf(ground) });
  await started();
  assert.equal(readFileSync(join(inner, 'f'), 'latin1'), 'x\n');
  renameSync(inner, join(ground.a, 'z'));
  const missing = await started();
  assert.equal(missing.code, 125);
  assert.match(missing.stderr, /^secfilt: kernel: --write-allow=.*\/x needs a supervisor: does not exist/);
  writeFileSync(inner, '');
  assert.equal((await started()).code, 2);
  rmSync(inner);
  mkdirSync(inner);
  await started();
  assert.equal(readFileSync(join(inner, 'f'), 'latin1'), 'x\n');
  assert.equal(readFileSync(join(ground.a, 'f'), 'latin1'), 'kept');
});

/** Mounts in a namespace of its own, then runs a script. */
function withMounts(script: string, ...words: string[]): string[] {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...words];
}

void test(`S06 stand-alone: interfaces of the kernel stay closed wherever they are mounted by then (${who})`, async (t) => {
  const lack = lacks(ALONE) ?? (isRoot ? undefined : 'only root mounts');
  if (lack !== undefined) return t.skip(lack);
  const ground = makeGround(t);
  const env = environmentOf(ground);
  for (const name of ['a/a b\\c', 'a/deep/er', 'abc', 'o/deep'])
    mkdirSync(join(ground.root, name), { recursive: true });
  const file = await compiled(ground, [...ALONE, `--write-allow=${ground.a}`], ['true']);
  const script = 'mount -t "$1" none "$2" || exit 77; exec "$3"';
  for (const [type, path, code] of [
    ['proc', join(ground.a, 'a b\\c'), 125],
    ['sysfs', join(ground.a, 'deep/er'), 125],
    ['proc', ground.a, 125],
    ['proc', join(ground.root, 'abc'), 0],
    ['tmpfs', join(ground.a, 'deep'), 0],
  ] as const) {
    const outcome = await run(withMounts(script, type, path, file), { env });
    if (outcome.code === 77) return t.skip('mounting is not permitted');
    assert.equal(outcome.code, code, path + outcome.stderr);
  }
  // Where files are not restricted: all around it is open.
  const network = join(ground.root, 'network');
  assert.equal((await compile(ground, network, [...ALONE, '--no-outbound-network'], ['sh', '-c'])).code, 0);
  const attempt = `echo 1 > o/deep/sys/kernel/ngroups_max; echo x > o/deep/self/comm; mkdir o/n; echo x > a/in; echo fine > ${ground.root}/abc/in; mv a/in abc/moved`;
  const outcome = await run(withMounts('mount -t proc none o/deep && exec "$@"', network, attempt), {
    cwd: ground.root,
    env,
  });
  assert.equal(outcome.stderr.match(/Permission denied/g)?.length, 3, outcome.stderr);
  assert.equal(readFileSync(join(ground.root, 'abc/in'), 'latin1'), 'fine\n');
  assert.equal(readFileSync(join(ground.root, 'abc/moved'), 'latin1'), 'x\n');
});

void test(`S19 a service of another user is not believed, whatever directory its socket lies in (${who})`, async (t) => {
  if (!isRoot) return t.skip('only root can be somebody else first');
  const ground = makeGround(t);
  const folder = join(ground.root, 'secfilt');
  mkdirSync(folder, { mode: 0o777 });
  const file = join(ground.root, 'compiled');
  const { code, stderr } = await compile(ground, file, ['--read-only'], ['sh', '-c', 'exit 5']);
  assert.equal(code, 0, stderr);
  const message = servedFarewell('secfilt: taken over\n', 7, Region.table).toString('base64');
  const listen = String.raw`
import base64
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(os.path.join(sys.argv[1], 'secfilt', 'service'))
s.listen()
os.chmod(os.path.join(sys.argv[1], 'secfilt', 'service'), 0o777)
print('ready', flush=True)
while True:
    c = s.accept()[0]
    try: c.recv(65536), c.send(base64.b64decode(sys.argv[2]))
    except OSError: pass`;
  for (const [user, expected] of [
    ['65534', 5],
    ['0', 7],
  ] as const) {
    rmSync(join(folder, 'service'), { force: true });
    await run(['chmod', '777', folder, ground.root]);
    const listener = start([
      'setpriv',
      `--reuid=${user}`,
      '--clear-groups',
      ...python(listen, ground.root, message),
    ]);
    t.after(() => listener.kill());
    await new Promise((resolve) => listener.stdout?.once('data', resolve));
    const outcome = await run([file], { env: environmentOf(ground), timeout: 20_000 });
    assert.equal(outcome.code, expected, `${user}: ${outcome.stderr}`);
    listener.kill();
  }
});
