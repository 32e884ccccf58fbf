/** A command that stops the output of its terminal (termios(3), tcflow) stops nobody but those who write there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

/** Stops the output, has something refused again and again, which -v tells there, and then sleeps. */
const INSIDE = `
import termios
termios.tcflow(0, termios.TCOOFF)
for name in range(50): sc(83, f'{ROOT}/o/{name}', 0o755)
os.mkdir(ROOT + '/a/tried')
time.sleep(600)`;

/** Whoever ends secfilt ends it, though nobody reads what it has to say. */
const OUTSIDE = `
import subprocess
words = sys.argv[2:]
master, slave = os.openpty()
process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
os.close(slave)
def within(seconds, condition):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end: time.sleep(.05)
    return condition()
tried = within(20, lambda: os.path.exists(ROOT + '/a/tried'))
process.terminate()
ends = within(20, lambda: process.poll() is not None)
if not ends: process.kill()
print(tried, ends)`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`S22 output that is stopped stops the supervisor at no refusal and at no end, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const { root, a } = makeGround(t);
      const words = secfiltWords([
        ...engine.options,
        '-v',
        `--write-allow=${a}`,
        '--',
        ...python(INSIDE, root),
      ]);
      const { stdout, stderr } = await run(python(OUTSIDE, root, ...words), {
        env: backing.env,
        timeout: 60_000,
      });
      assert.equal(stdout, 'True True\n', stderr);
    });
  }
}
