/**
 * F08: the path lies in memory that is mapped from a file on a slow file system, whose pages are dropped again and
 * again: every look at it takes its time, and may find another path.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { attackTest, engines, makeGround, python } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { type RunOptions, secfiltWords, start } from '../support/run.ts';
import { slowFile, slowFilesLack } from '../support/slow-file.ts';

/** The first ABI of Landlock with LANDLOCK_SCOPE_SIGNAL. */
const SIGNAL_SCOPE = 6;

const lack = slowFilesLack();

const MAPPED = String.raw`
file = os.open(ROOT + '/slow', os.O_RDONLY)
address = libc.mmap(None, ctypes.c_size_t(4096), 1, 1, file, ctypes.c_long(0))
def drop(): libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(4096), 4); os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
`;

const FLIP = String.raw`${MAPPED}
END = time.time() + 2; won = lost = 0
def dropping():
    while time.time() < END: drop()
threading.Thread(target=dropping).start()
while time.time() < END:
    fd = sc(2, address, 1)
    if fd >= 0: os.write(fd, b'!'); os.close(fd); won += 1
    else: lost += 1
print(won, lost)
`;

if (lack === undefined) {
  attackTest({
    id: 'F08',
    title: 'memory of a slow file holds another path whenever it is read',
    prepare: async ({ root, a, o }, t) => {
      const { path } = await slowFile(t, 0.002, join(a, 'f'), join(o, 'f'));
      symlinkSync(path, join(root, 'slow'));
    },
    script: FLIP,
    inside: ({ a }, { stdout }) => {
      assert.match(readFileSync(join(a, 'f'), 'latin1'), /!/, 'the allowed side must work');
      assert.notEqual(Number(stdout.split(' ')[1]), 0, `the other side must have been tried: ${stdout}`);
    },
  });
} else void test(`F08 memory of a slow file (${who})`, (t) => t.skip(lack));

/** A bystander wants to make a file inside and one outside, while the path of another call does not come. */
const HANG = String.raw`${MAPPED}
ready, go = os.pipe()
other = os.fork()
if other == 0:
    os.read(ready, 1); time.sleep(0.3)
    results = [sc(2, ROOT + name, 0o101, 0o600) for name in ('/a/new', '/o/new')]
    print([r if r < 0 else 'made' for r in results], flush=True); time.sleep(600)
print(os.getpid(), other, flush=True); os.write(go, b'x')
print('hung', sc(2, address, 1), flush=True)
os.waitpid(other, 0)
`;

function isRunning(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX] /.test(status.slice(status.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

async function eventually(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 400 && !condition(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return condition();
}

/** Starts the command and waits until the file system is asked for the path. */
async function hang(t: TestContext, options: readonly string[], env: NonNullable<RunOptions['env']>) {
  const ground = makeGround(t);
  const slow = await slowFile(t, 3600, join(ground.a, 'f'));
  symlinkSync(slow.path, join(ground.root, 'slow'));
  const words = [...options, `--write-allow=${ground.a}`, '--', ...python(HANG, ground.root)];
  const child = start(secfiltWords(words), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const state = { text: '', ended: false };
  child.stdout?.on('data', (data: Buffer) => {
    state.text += data.toString();
  });
  child.once('exit', () => {
    state.ended = true;
  });
  await slow.firstRead;
  assert.ok(await eventually(() => state.text.includes('\n')));
  const pids = (state.text.split('\n', 1)[0] ?? '').split(' ').map(Number);
  assert.deepEqual(pids.map(isRunning), [true, true]);
  t.after(() => {
    child.kill('SIGKILL');
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
  });
  return { ground, slow, child, state, pids };
}

for (const engine of engines) {
  for (const { name, env, landlock } of backings) {
    const title = `${engine.name} ${name} (${who})`;
    // The limit of it: the supervisor waits as the kernel waits, and may not even be killed (docs/threat-model.md).
    void test(`F08 while a file system hangs nothing is allowed, then all goes on, ${title}`, async (t) => {
      if (lack !== undefined) return t.skip(lack);
      const { ground, slow, state } = await hang(t, engine.options, env);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.equal(existsSync(join(ground.o, 'new')), false);
      slow.cutOff();
      assert.ok(await eventually(() => state.text.includes('hung') && state.text.includes('[')), state.text);
      assert.match(state.text, /^hung -14$/m);
      assert.match(state.text, /^\['made', -(1|13)\]$/m);
      assert.deepEqual([existsSync(join(ground.a, 'new')), existsSync(join(ground.o, 'new'))], [true, false]);
    });

    // Without a signal scope the watchdog cannot tell whom to end; what is referred no longer exists then.
    const ends = engine.name === 'trace' || (landlock && landlockVersion() >= SIGNAL_SCOPE);
    const end = ends ? 'all ends' : 'nothing more is done';
    void test(`F08 killed while a file system hangs: when it is cut off, ${end}, ${title}`, async (t) => {
      if (lack !== undefined) return t.skip(lack);
      const { ground, slow, child, state, pids } = await hang(t, engine.options, env);
      child.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 1000));
      slow.cutOff();
      assert.ok(await eventually(() => state.ended && (!ends || !pids.some(isRunning))), state.text);
      if (!ends) assert.ok(await eventually(() => state.text.includes('[-38, -38]')), state.text);
      assert.deepEqual(
        [existsSync(join(ground.a, 'new')), existsSync(join(ground.o, 'new'))],
        [false, false],
      );
    });
  }
}
