/**
 * What only has the name of something harmless: a device of everybody, a FIFO, a terminal of somebody else.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { attackTest, engines, type Ground, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords, start } from '../support/run.ts';

/** Opens what has the name of a device, for writing, truncating, and by a link. */
const OPENING = `
os.symlink('/dev/' + sys.argv[2], ROOT + '/a/l')
def opened(path, flags):
    fd = sc(2, path, flags, 0o600)
    if fd >= 0: sc(1, fd, b'!', 1)
    return int(fd >= 0)
say(**{f'{path} {flags}': opened(path, flags) for path in ('/dev/' + sys.argv[2], ROOT + '/a/l') for flags in (1, 2, 0o1001, 0o101)})`;

/** Runs words where `place` has been mounted over a device. */
function overDevice(device: string, place: string, words: readonly string[]): string[] {
  const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, place, `/dev/${device}`, ...words];
}

for (const engine of engines) {
  for (const backing of backings) {
    void test(`F40 a file or another device in the place of a device of everybody is not written, ${engine.name} ${backing.name} (${who})`, async (t) => {
      if (!isRoot) return t.skip('only root can mount');
      const able = await run(overDevice('null', '/dev/zero', ['true']));
      if (able.code !== 0) return t.skip(`nothing can be mounted: ${able.stderr.trim()}`);
      for (const device of ['null', 'urandom']) {
        for (const place of ['o/f', '/dev/zero']) {
          const ground = makeGround(t);
          const attack = python(OPENING, ground.root, device);
          const words = secfiltWords([...engine.options, `--write-allow=${ground.a}`, '--', ...attack]);
          const outcome = await run(overDevice(device, resolve(ground.root, place), words), {
            env: backing.env,
          });
          const opened = Object.entries(saidBy(outcome)).filter(([, result]) => result !== 0);
          assert.deepEqual(opened, [], `${place} in the place of ${device}`);
          assert.equal(readFileSync(`${ground.o}/f`, 'latin1'), 'kept');
        }
      }
    });
  }
}

function isHeard({ root }: Ground): boolean {
  return existsSync(`${root}/heard`) && readFileSync(`${root}/heard`, 'latin1') !== '';
}

/** Starts a process outside that writes what it hears to `heard`, and waits until it is ready. */
async function startListener(t: TestContext, { root }: Ground, script: string): Promise<void> {
  const words = python(
    `${script}
print('ready', flush=True)
while True:
    data = os.read(fd, 99)
    with open(ROOT + '/heard', 'ab') as f: f.write(data)`,
    root,
  );
  const child = start(words, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((done, reject) => {
    child.stdout?.once('data', done);
    child.once('close', () => reject(new Error('it ended')));
  });
}

const WRITE_BY_EVERY_NAME = `
for path in paths:
    for number, args in ((2, (path, 0o4001)), (2, (path, 2)), (257, (-100, path, 0o4001)), (437, (-100, path, struct.pack('QQQ', 0o4001, 0, 0), 24))):
        fd = sc(number, *args)
        if fd >= 0: os.write(fd, b'!')
time.sleep(0.2)`;

attackTest({
  id: 'F39',
  title: 'a FIFO that a process outside reads is written',
  prepare: (ground, t) =>
    startListener(t, ground, `os.mkfifo(ROOT + '/o/p', 0o666); fd = os.open(ROOT + '/o/p', os.O_RDWR)`),
  script: `os.symlink(ROOT + '/o/p', ROOT + '/a/l'); held = os.open(ROOT + '/o/p', os.O_RDONLY | os.O_NONBLOCK)
paths = [ROOT + '/o/p', ROOT + '/a/l', f'/proc/self/fd/{held}']${WRITE_BY_EVERY_NAME}`,
  worked: isHeard,
});

attackTest({
  id: 'F39',
  title: 'a terminal of another session is written',
  prepare: (ground, t) =>
    startListener(t, ground, `fd, slave = os.openpty(); open(ROOT + '/name', 'w').write(os.ttyname(slave))`),
  script: `name = open(ROOT + '/name').read(); held = os.open(name, os.O_RDONLY | os.O_NOCTTY)
paths = [name, f'/proc/self/fd/{held}']${WRITE_BY_EVERY_NAME}`,
  worked: isHeard,
});
