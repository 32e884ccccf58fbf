/** The one service of a program: many sandboxes come and go and leave nothing behind, and its own end is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { testEngine, who } from '../support/environment.ts';
import { library } from '../support/library.ts';
import { landlockVersion } from '../support/native.ts';
import { random } from '../support/repeat.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const { Sandbox, SandboxError } = library;
/** Landlock's scope for signals, which comes with the means to take everybody along. */
const LANDLOCK_WITH_SCOPES = 6;
const SANDBOXES = 60;

/** Child processes of this one, by what is in their command lines. */
function children(word: string): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim();
  return text
    .split(' ')
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word))
    .map(Number);
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((done) => setTimeout(done, milliseconds));
}

/** Who is undumpable shows its descriptors to root alone. */
function descriptorsOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

void test(`sandboxes come and go, at any moment, and leave nothing behind (${who})`, async (t) => {
  if (testEngine === 'trace') return t.skip('a service has one engine');
  const place = temporaryDirectory(t);
  process.env['TMPDIR'] = place;
  const first = await Sandbox.start({ readOnly: true });
  t.after(() => first.close());
  const [folder = ''] = readdirSync(place);
  const [service] = children('secfilt.cjs');
  if (service === undefined || folder === '') return t.skip('here no service can be made');
  await first.run('true');
  const before = descriptorsOf(service);
  const next = random(1);
  const round = async (): Promise<void> => {
    const sandbox = await Sandbox.start({ write: { allow: [place] } });
    const child = sandbox.spawn('sleep', ['600'], { stdio: 'ignore' });
    const closed = once(child, 'close');
    // Now in the middle of the handshake, now later.
    await pause(next() * 20);
    if (next() < 0.5) child.kill('SIGKILL');
    await sandbox.close();
    await closed;
  };
  for (let count = 0; count < SANDBOXES; count += 4) await Promise.all([round(), round(), round(), round()]);
  // Those that change files, too.
  const target = temporaryDirectory(t);
  for (let count = 0; count < 8; count += 1) {
    const sandbox = await Sandbox.start({ write: { allow: [target] } });
    assert.equal((await sandbox.run('sh', ['-c', 'echo >"$0"', join(target, String(count))])).exitCode, 0);
    await sandbox.close();
  }
  // Before, something of the first command may have been there still.
  const more = (): number => (descriptorsOf(service) ?? 0) - (before ?? 0);
  for (let turn = 0; turn < 200 && more() > 0; turn += 1) await pause(10);
  assert.ok(more() <= 0, `${more()} more than ${before}`);
  assert.deepEqual(readdirSync(join(place, folder)).toSorted(), ['1', 'socket']);
  assert.deepEqual(children(''), [service]);
  assert.equal((await first.run('echo', ['still here'])).stdout, 'still here\n');

  // Its end ends them.
  const running = first.run('sleep', ['600']);
  await pause(100);
  process.kill(service, 'SIGKILL');
  if (landlockVersion() >= LANDLOCK_WITH_SCOPES) await assert.rejects(running, SandboxError);
  else running.catch(() => undefined);
  for (let turn = 0; turn < 200 && children('secfilt.cjs').length > 0; turn += 1) await pause(10);
  assert.throws(() => first.spawn('true'), SandboxError);
  const again = await Sandbox.start({ readOnly: true });
  assert.equal((await again.run('echo', ['again'])).stdout, 'again\n');
  await again.close();
  for (const pid of children('sleep')) process.kill(pid, 'SIGKILL');
});
