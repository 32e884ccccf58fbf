/**
 * secfilt inside secfilt: the inner one takes what is left, says so, and both policies hold.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { who } from '../support/environment.ts';
import { landlockVersion } from '../support/native.ts';
import { type Outcome, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const OUTER = ['notify', 'trace', 'kernel'] as const;

interface Ground {
  readonly root: string;
  readonly outer: string;
  readonly inner: string;
}

/** `w` is allowed outside, `w/w` inside, `absent` outside only, and it does not exist. */
function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  const outer = join(root, 'w');
  const inner = join(outer, 'w');
  mkdirSync(inner, { recursive: true });
  mkdirSync(join(inner, 'd'));
  return { root, outer, inner };
}

function lacking(): string | undefined {
  return landlockVersion() < 6 ? 'the kernel engine needs Landlock ABI 6' : undefined;
}

const SCRIPT = `cd "$1"; for f in w/w/f w/f f absent; do echo x 2>/dev/null >$f && echo wrote $f; done
  chmod 700 w w/w/d absent 2>/dev/null; mkdir w/w/new && echo made; mkdir w/new absent.d 2>/dev/null; rmdir w/w/d`;

function nest(engine: string, options: readonly string[], inner: readonly string[]): Promise<Outcome> {
  return secfilt([`--engine=${engine}`, ...options, '--', ...secfiltWords(['--engine=auto', ...inner])]);
}

for (const engine of ['notify', 'trace'] as const) {
  void test(`ports inside are not left to the supervisor outside, by ${engine} (${who})`, async (t) => {
    const reason = lacking();
    if (reason !== undefined) return t.skip(reason);
    const server = createServer((socket) => socket.end());
    let seen = 0;
    server.on('connection', () => (seen += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const reach = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${address.port}`];
    for (const policy of [['--allowed-ports=1'], ['--no-outbound-network']]) {
      for (const choice of ['--engine=auto', '--engine=kernel']) {
        const words = secfiltWords([choice, ...policy, '--', ...reach]);
        const outcome = await secfilt([`--engine=${engine}`, '--allowed-netmasks=127.0.0.1', '--', ...words]);
        assert.notEqual(outcome.code, 0, JSON.stringify(outcome));
      }
    }
    assert.equal(seen, 0);
    const outcome = await secfilt([`--engine=${engine}`, '--allowed-netmasks=127.0.0.1', '--', ...reach]);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(seen, 1);
  });
}

for (const engine of OUTER) {
  void test(`both policies hold, the outer one by ${engine} (${who})`, async (t) => {
    const reason = lacking();
    if (reason !== undefined) return t.skip(reason);
    const { root, outer, inner } = makeGround(t);
    const absent = engine === 'kernel' ? [] : [`--write-allow=${join(root, 'absent')}`];
    const outcome = await nest(
      engine,
      [`--write-allow=${outer}`, ...absent],
      [`--write-allow=${inner}`, '--', 'bash', '-c', SCRIPT, 'bash', root],
    );
    assert.equal(outcome.code, 0, JSON.stringify(outcome));
    assert.equal(outcome.stdout, 'wrote w/w/f\nmade\n');
    assert.deepEqual(readdirSync(inner).toSorted(), ['f', 'new']);
    assert.deepEqual(readdirSync(outer), ['w']);
    assert.deepEqual(readdirSync(root), ['w']);
    // Inside a supervised sandbox only the kernel is left; inside the kernel's there is room for a supervisor.
    if (engine === 'kernel') assert.doesNotMatch(outcome.stderr, /^secfilt: (?!\d+ operations? w)/m);
    else assert.match(outcome.stderr, /^secfilt: so the engine is kernel$/m);
  });

  void test(`what only a supervisor could do is refused inside ${engine} (${who})`, async (t) => {
    const reason = engine === 'kernel' ? lacking() : undefined;
    if (reason !== undefined) return t.skip(reason);
    const { root, outer } = makeGround(t);
    const options = ['--allowed-netmasks=192.0.2.1', '--', 'sh', '-c', ': >"$0"', join(outer, 'ran')];
    const outcome = await nest(engine, [`--write-allow=${root}`], options);
    assert.equal(outcome.code, engine === 'kernel' ? 0 : 125, JSON.stringify(outcome));
    assert.equal(existsSync(join(outer, 'ran')), engine === 'kernel');
    if (engine !== 'kernel') assert.match(outcome.stderr, /^secfilt: kernel: .*--allowed-netmasks/m);
  });

  if (engine === 'kernel') continue;
  for (const inside of ['notify', 'trace'])
    void test(`no other supervisor, ${inside}, is put behind that of ${engine} (${who})`, async (t) => {
      const { root, outer } = makeGround(t);
      const inner = secfiltWords([`--engine=${inside}`, '--read-only', '--', 'touch', join(outer, 'ran')]);
      const outcome = await secfilt([`--engine=${engine}`, `--write-allow=${root}`, '--', ...inner]);
      assert.equal(outcome.code, 125);
      assert.match(outcome.stderr, new RegExp(`^secfilt: ${inside}: `, 'm'));
      assert.ok(!existsSync(join(outer, 'ran')));
    });
}
