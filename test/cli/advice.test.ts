/**
 * Advice is taken: the options that a summary names, pasted into a shell, and what --learn writes. With them the same run is not refused
 * for the same thing, and they are the same after each run, so that no name in them was made up for one.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { testEngine, who } from '../support/environment.ts';
import { run, secfiltWords, type Outcome } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

interface Ground {
  /** Where the script begins: `old`, `gone` and a symbolic link are there. */
  readonly project: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  const [project, home] = [join(root, 'project'), join(root, 'home')];
  for (const path of [project, home]) mkdirSync(path);
  return { project, home, env: { HOME: home, TMPDIR: undefined, PROJECT: project } };
}

/** As it was before each run: what one leaves, the next would find. */
async function afresh({ project }: Ground): Promise<void> {
  await run(['bash', '-c', 'rm -rf "$0" && mkdir "$0"', project]);
  for (const name of ['old', 'gone', 'other']) writeFileSync(join(project, name), 'a\n');
  symlinkSync('old', join(project, 'link'));
}

interface Advised {
  readonly outcome: Outcome;
  /** In the order of the summary; with what is to be left out for them. */
  readonly options: readonly string[];
  readonly instead: readonly string[];
}

/** Runs the script under a policy and options as somebody pastes them. */
async function underPolicy(
  ground: Ground,
  policy: readonly string[],
  pasted: readonly string[],
  script: string,
): Promise<Advised> {
  await afresh(ground);
  const line = `exec "$@" ${pasted.join(' ')} -- bash -c "$SCRIPT"`;
  const outcome = await run(['bash', '-c', line, 'bash', ...secfiltWords(['-v', ...policy])], {
    cwd: ground.project,
    env: { ...ground.env, SCRIPT: script },
  });
  const found = [...outcome.stderr.matchAll(/   allow with (.*?)(?: instead of (--\S+))?$/gm)];
  return {
    outcome,
    options: found.map(([, options = '']) => options),
    instead: found.flatMap(([, , instead]) => instead ?? []),
  };
}

/** Of a socket outside: who runs this at the same time has another. */
const NAME = `secfilt advice, ${process.pid}`;

/** A run that is refused one thing may end there: the next one gets farther. */
const MOST_ROUNDS = 6;

async function takesAdvice(
  t: TestContext,
  policy: readonly string[],
  script: string,
  ground = makeGround(t),
): Promise<readonly string[]> {
  await afresh(ground);
  const native = await run(['bash', '-c', script], { cwd: ground.project, env: ground.env });
  assert.equal(native.code, 0, native.stderr);
  const taken = new Set<string>();
  const overruled = new Set<string>();
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const words = policy.filter((word) => !overruled.has(word));
    const result = await underPolicy(ground, words, [...taken], script);
    const said = `${[...taken].join(' ')}\n${result.outcome.stderr}`;
    if (result.options.length === 0) {
      assert.deepEqual([result.outcome.code, result.outcome.stdout], [0, native.stdout], said);
      return [...taken];
    }
    // What is named once is looked at here, and what is named later by whether it is enough.
    const again = round === 0 ? await underPolicy(ground, words, [], script) : result;
    assert.deepEqual(again.options.toSorted(), result.options.toSorted(), 'advice that is another each time');
    for (const options of result.options)
      assert.ok(!taken.has(options), `refused though it was allowed: ${options}\n${said}`);
    for (const options of result.options) taken.add(options);
    for (const word of result.instead) overruled.add(word);
  }
  assert.fail(`still refused after ${[...taken].join(' ')}`);
}

const SAME = 'what is said is of no engine';

const NEW_NAMES = `set -e; umask 022
echo x > notes; echo y >> notes; mkdir -p d/e; mkfifo fifo; cp old copy
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")'; ls`;

const EXISTING = `set -e
echo more >> old; chmod 600 old; touch -d @1000000000 old; truncate -s 1 other; rm gone; mv other moved; ln old second; cat old moved second`;

const LINKS = `set -e; ln -s old new; mv -T link moved; ln -P moved third; readlink new moved third`;

const MADE_UP = `set -e; shopt -s dotglob
sed -i s/a/b/ old; cat old; mktemp -p . > /dev/null; mktemp -d -p . > /dev/null; echo x > state.$$; echo y > state.$BASHPID.new
python3 -c 'import os, tempfile as t; f = t.NamedTemporaryFile(dir="."); d = t.mkdtemp(dir="."); n = os.open(".", os.O_TMPFILE | os.O_RDWR); os.rmdir(d)'; ls | wc -l`;

const TEMPORARY = `set -e
for d in /tmp /var/tmp; do f=$(mktemp -p $d); g=$(mktemp -d -p $d); echo x > $f; mkdir $g/d; mv $f $g/d/; chmod 700 $g/d; echo x > $d/secfilt.$$; rm -r $g $d/secfilt.$$; done
sort -S 1k -T /tmp old gone; cat << END
here
END
python3 -c 'import os, socket, tempfile as t; f = t.TemporaryFile(); d = t.TemporaryDirectory(); socket.socket(socket.AF_UNIX).bind(d.name + "/s"); os.open("/tmp", os.O_TMPFILE | os.O_RDWR)'`;

/** What is allowed in any case, and what nothing allows, leads to no advice. */
const OWN = `set -e
script -qec 'test -t 0; echo seen > /dev/tty' /dev/null < /dev/null
python3 << 'END'
import ctypes, multiprocessing as mp, os, signal
from multiprocessing import shared_memory
s = shared_memory.SharedMemory(create=True, size=8); s.buf[0] = 7; print(s.buf[0]); s.close(); s.unlink()
with mp.Pool(2) as pool: print(pool.map(abs, [-1, -2]))
libc = ctypes.CDLL(None); segment = libc.shmget(0, 4096, 0o1600); print(segment >= 0); libc.shmctl(segment, 0, None)
libc.prctl(15, b'named'); open('/proc/self/comm', 'w').write('again'); os.kill(os.getpid(), 0)
END`;

for (const [what, script, policy] of [
  ['new names', NEW_NAMES, ['--read-only']],
  ['what exists', EXISTING, ['--read-only']],
  ['symbolic links', LINKS, ['--read-only']],
  ['made-up names', MADE_UP, ['--read-only']],
  ['temporary files', TEMPORARY, ['--read-only']],
  ['temporary files beside another shared directory', TEMPORARY, ['--write-own=.']],
  ["what is one's own", OWN, ['--read-only']],
] as const) {
  void test(`advice is taken: ${what} (${who})`, async (t) => {
    if (testEngine === 'trace' && script !== MADE_UP) return t.skip(SAME);
    const taken = await takesAdvice(t, policy, script);
    const isAny = script !== OWN;
    assert.equal(taken.length > 0, isAny, taken.join(' '));
    if (script === TEMPORARY)
      assert.ok(
        taken.includes('--own-tmp') && !taken.some((options) => options.endsWith('/tmp')),
        taken.join(' '),
      );
  });
}

async function listen(t: TestContext, where: { host: string; port: number } | string): Promise<Server> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(where, resolve);
  });
  t.after(() => server.close());
  return server;
}

/** By Python: Node fills such a name up with zeros. */
async function listenByName(t: TestContext): Promise<void> {
  const script = `import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('\\0${NAME}'); s.listen(99); print(flush=True); time.sleep(60)`;
  const server = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void server.kill('SIGKILL'));
  await new Promise((resolve) => server.stdout.once('data', resolve));
}

async function portOf(t: TestContext, host: string): Promise<number | undefined> {
  try {
    const address = (await listen(t, { host, port: 0 })).address();
    return typeof address === 'object' ? address?.port : undefined;
  } catch {
    return undefined;
  }
}

async function networkScript(t: TestContext): Promise<string> {
  const path = join(temporaryDirectory(t), 'theirs');
  await listen(t, path);
  await listenByName(t);
  const [four, six] = [await portOf(t, '127.0.0.1'), await portOf(t, '::1')];
  return `python3 << 'END'
import re, socket
def go(family, kind, *calls):
    s = socket.socket(family, kind)
    for name, *args in calls: getattr(s, name)(*args)
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
failed = []
def attempt(*args):
    try: go(*args)
    except OSError as error: failed.append((args, error))
attempt(socket.AF_INET, TCP, ('connect', ('127.0.0.1', ${four})))
if ${six ?? 0}: attempt(socket.AF_INET6, TCP, ('connect', ('::1', ${six ?? 0})))
attempt(socket.AF_INET, UDP, ('sendto', b'x', ('127.0.0.1', ${four})))
attempt(socket.AF_INET, UDP, ('connect', ('127.0.0.2', 0)))
attempt(socket.AF_INET, UDP, ('connect', ('0.0.0.0', ${four})))
for server in re.findall(r'(?m)^nameserver[ \\t]+([0-9.]+)\\s', open('/etc/resolv.conf').read() + '\\n'): attempt(socket.AF_INET, UDP, ('connect', (server, 53)))
attempt(socket.AF_UNIX, TCP, ('connect', ${JSON.stringify(path)}))
attempt(socket.AF_UNIX, TCP, ('connect', '\\0${NAME}'))
if failed: raise SystemExit(repr(failed))
END`;
}

for (const policy of [
  ['--no-outbound-network', '--allowed-ports=1'],
  ['--allowed-netmasks=10.0.0.0/8'],
  ['--allow-resolv'],
]) {
  void test(`advice is taken: the network under ${policy.join(' ')} (${who})`, async (t) => {
    if (testEngine === 'trace') return t.skip(SAME);
    const taken = await takesAdvice(t, policy, await networkScript(t));
    assert.ok(
      taken.some((options) => options.startsWith('--allow-unix')),
      taken.join(' '),
    );
  });
}

/** The lines that allow something. */
function rulesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

for (const [what, script] of [
  [
    'files',
    [NEW_NAMES, EXISTING, LINKS, MADE_UP, TEMPORARY, OWN]
      .map((part) => `(${part}\n)`)
      .join(
        ' && rm -rf "$PROJECT"/* && echo a > old && echo b > gone && echo c > other && ln -s old link && ',
      ),
  ],
  [
    'a home',
    'set -e; cd; f=$(mktemp -p .); d=$(mktemp -d -p .); echo x > known; echo y > $d/x; chmod 600 $f; mv $f $d/f; rm -r $d; cat known',
  ],
] as const) {
  void test(`what was learned is the same after each run, and enough: ${what} (${who})`, async (t) => {
    const ground = makeGround(t);
    // Else that home would make its directory, /tmp, one for a person to decide about.
    const HOME = what === 'files' ? '/' : ground.home;
    const options = { cwd: ground.project, env: { ...ground.env, HOME } };
    const texts: string[] = [];
    for (const name of ['one', 'two']) {
      const file = join(temporaryDirectory(t), name);
      await afresh(ground);
      const learned = await run(secfiltWords([`--learn=${file}`, '--', 'bash', '-c', script]), options);
      assert.equal(learned.code, 0, learned.stderr);
      texts.push(readFileSync(file, 'latin1'));
    }
    const [text = '', other = ''] = texts;
    assert.deepEqual(rulesOf(text), rulesOf(other));
    const config = join(temporaryDirectory(t), 'learned');
    // What is commented out for being in a home is for a person to allow.
    writeFileSync(config, text.replace(/^#(?=write-allow=.*\/home$)/m, ''), 'latin1');
    await afresh(ground);
    const again = await run(secfiltWords(['-v', `--config=${config}`, '--', 'bash', '-c', script]), options);
    assert.equal(again.code, 0, `${again.stderr}\n${text}`);
    assert.doesNotMatch(again.stderr, /refused/, text);
  });
}
