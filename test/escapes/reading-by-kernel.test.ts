/**
 * What Landlock alone keeps from being read, its siblings having been listed: `o` lies beside `a`, where changes are allowed, and the
 * directory around them is not changed.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { landlockAbi } from '../../src/linux/landlock.ts';
import { testEngine, who } from '../support/environment.ts';
import { type Ground, makeGround, python } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';

/** Each way prints its name and what it read, or the error's number. */
const WAYS = `
import ctypes, errno, mmap, os, struct, subprocess, sys
SECRET = ROOT + '/o/secret'
libc = ctypes.CDLL(None, use_errno=True)
def text(number):
    if number < 0: raise OSError(ctypes.get_errno(), 'failed')
    return os.read(number, 100).decode()
def openat2():
    how = struct.pack('QQQ', os.O_RDONLY, 0, 0)
    return text(libc.syscall(437, -100, SECRET.encode(), how, 24))
def reopened():
    return text(os.open('/proc/self/fd/%d' % os.open(SECRET, os.O_PATH), os.O_RDONLY))
def mapped():
    return mmap.mmap(os.open(SECRET, os.O_RDONLY), 6, prot=mmap.PROT_READ)[:].decode()
def at():
    return text(os.open('secret', os.O_RDONLY, dir_fd=os.open(ROOT + '/o', os.O_RDONLY | os.O_DIRECTORY)))
def below():
    os.chdir(ROOT + '/o')
    return open('secret').read()
def executed():
    return subprocess.run([ROOT + '/o/script'], stdout=subprocess.PIPE, check=True).stdout.decode()
def given():
    return subprocess.run(['/bin/sh', ROOT + '/o/script'], stdout=subprocess.PIPE, check=True, stderr=subprocess.DEVNULL).stdout.decode()
WAYS = {
    'open': lambda: open(SECRET).read(),
    'for both': lambda: text(os.open(SECRET, os.O_RDWR)),
    'link': lambda: open(ROOT + '/a/link').read(),
    'root of a process': lambda: open('/proc/self/root' + SECRET).read(),
    'directory of a process': lambda: open('/proc/self/cwd/../o/secret').read(),
    'openat2': openat2,
    'reopened': reopened,
    'mapped': mapped,
    'at a directory': at,
    'from within': below,
    'executed': executed,
    'given to a shell': given,
}
for name, way in WAYS.items():
    try: said = way().strip()
    except OSError as error: said = errno.errorcode[error.errno]
    except subprocess.CalledProcessError: said = 'EACCES'
    print(name + ': ' + said)
`;

/** By whatever name: a move takes no right along, and gives none. Each prints what could be read afterwards. */
const MOVES = `
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def exchange(one, other):
    if libc.renameat2(-100, one.encode(), -100, other.encode(), 2) < 0: raise OSError(ctypes.get_errno(), 'failed')
o, a = ROOT + '/o', ROOT + '/a'
MOVES = [
    (lambda: os.rename(o, a + '/o'), a + '/o/secret'),
    (lambda: os.rename(o + '/secret', a + '/s'), a + '/s'),
    (lambda: os.link(o + '/secret', a + '/l'), a + '/l'),
    (lambda: os.rename(o, ROOT + '/other'), ROOT + '/other/secret'),
    (lambda: os.rename(ROOT + '/other', o), o + '/secret'),
    (lambda: exchange(o + '/secret', a + '/f'), a + '/f'),
    (lambda: exchange(o, a), a + '/secret'),
    (lambda: exchange(o, a), o + '/secret'),
    (lambda: exchange(ROOT + '/file', ROOT + '/hidden'), ROOT + '/file'),
    (lambda: exchange(ROOT + '/file', ROOT + '/hidden'), ROOT + '/hidden'),
    (lambda: os.rename(ROOT + '/hidden', ROOT + '/shown'), ROOT + '/shown'),
]
for number, (move, path) in enumerate(MOVES):
    try: move()
    except OSError: pass
    try: said = open(path).read().strip()
    except OSError as error: said = errno.errorcode[error.errno]
    print('%d: %s' % (number, said))
`;

const ENGINES = ['notify', 'trace', 'kernel'].filter(
  (name) => testEngine === undefined || testEngine === 'auto' || name === testEngine,
);
const lacking = landlockAbi() < 6 ? 'this kernel has no Landlock that scopes signals' : undefined;

function prepare(ground: Ground): void {
  writeFileSync(join(ground.o, 'secret'), 'SECRET\n', { mode: 0o666 });
  writeFileSync(join(ground.o, 'script'), '#!/bin/sh\necho SECRET\n', { mode: 0o777 });
  writeFileSync(join(ground.root, 'hidden'), 'SECRET\n');
  writeFileSync(join(ground.root, 'file'), 'beside\n');
  mkdirSync(join(ground.root, 'way'));
  symlinkSync('../o/secret', join(ground.a, 'link'));
}

function saidOf({ code, stdout, stderr }: Outcome): Map<string, string> {
  assert.equal(code, 0, stderr);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', said = ''] = line.split(': ', 2);
        return [name, said] as const;
      }),
  );
}

function denying({ root, a, o }: Ground): string[] {
  return [`--write-allow=${a}`, `--read-deny=${o},${join(root, 'hidden')}`];
}

void test(`what is denied is read in all these ways without a sandbox (${who})`, async (t) => {
  const ground = makeGround(t);
  prepare(ground);
  const said = saidOf(await run(python(WAYS, ground.root), { cwd: ground.a }));
  assert.equal(said.size, 12);
  for (const [way, text] of said) assert.equal(text, 'SECRET', way);
});

for (const engine of ENGINES) {
  void test(`what is denied is read in no way, ${engine} (${who})`, async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const ground = makeGround(t);
    prepare(ground);
    const words = secfiltWords([
      `--engine=${engine}`,
      ...denying(ground),
      '--',
      ...python(WAYS, ground.root),
    ]);
    const said = saidOf(await run(words, { cwd: ground.a }));
    assert.equal(said.size, 12);
    // Opened for writing too it is refused as a change.
    for (const [way, text] of said)
      assert.match(text, way === 'for both' ? /^E(ACCES|PERM)$/ : /^EACCES$/, way);
  });

  void test(`a denied place by another name is not read either, ${engine} (${who})`, async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const ground = makeGround(t);
    prepare(ground);
    // Files are not restricted: moves beside them succeed.
    const words = secfiltWords([
      `--engine=${engine}`,
      ...denying(ground).slice(1),
      '--',
      ...python(MOVES, ground.root),
    ]);
    const outcome = await run(words, { cwd: ground.a });
    // The kernel engine cannot judge where the directory around them is one's own.
    if (engine === 'kernel') return assert.equal(outcome.code, 125, outcome.stdout);
    for (const [move, text] of saidOf(outcome)) assert.notEqual(text, 'SECRET', move);
  });

  void test(`what lies beside a denied place is read, listed and executed, ${engine} (${who})`, async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const ground = makeGround(t);
    prepare(ground);
    const script =
      'cat ../file f && ls -A .. ../o && echo new > made && cat made && git --version && node -e "console.log(7)"';
    const words = secfiltWords([`--engine=${engine}`, ...denying(ground), '--', '/bin/sh', '-c', script]);
    const { code, stdout, stderr } = await run(words, { cwd: ground.a });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^beside\nkept[^]*hidden[^]*secret\nnew\ngit version [^]*\n7\n$/);
    assert.equal(readFileSync(join(ground.a, 'made'), 'utf8'), 'new\n');
  });

  void test(`only what may be executed is, ${engine} (${who})`, async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const { a, o } = makeGround(t);
    for (const folder of [a, o]) writeFileSync(join(folder, 'run'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    const script = `./run; ${o}/run; cp ${o}/run copied; ./copied`;
    const words = secfiltWords([
      `--engine=${engine}`,
      `--write-allow=${a}`,
      `--exec-deny=${o}`,
      '--',
      '/bin/sh',
      '-c',
      script,
    ]);
    const { stdout, stderr } = await run(words, { cwd: a });
    // A copy is another file: rules for execution are no rules for reading.
    assert.equal(stdout, 'ran\nran\n', stderr);
    assert.match(stderr, /run: Permission denied/);
  });
}

void test(`rules for execution are an error without Landlock (${who})`, async (t) => {
  const { o } = makeGround(t);
  const words = secfiltWords([`--exec-deny=${o}`, '--', 'true']);
  const { code, stderr } = await run(words, { env: { SECFILTER_LANDLOCK: '0' } });
  assert.equal(code, 125);
  assert.match(stderr, /--exec-deny=.* needs Landlock/);
});

void test(`a command that its own rules keep from starting is told which one does (${who})`, async (t) => {
  const { a } = makeGround(t);
  writeFileSync(join(a, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  const denied = await run(secfiltWords(['--read-deny=/', '--', './run']), { cwd: a });
  assert.equal(denied.code, 126);
  assert.match(
    denied.stderr,
    /cannot execute \.\/run: it is not to be read \(--read-deny=\/.*--read-allow=.*\/a\/run/,
  );
  const interpreter = await run(secfiltWords(['--exec-deny=/', `--exec-allow=${a}`, '--', './run']), {
    cwd: a,
  });
  assert.equal(interpreter.code, 126);
  assert.match(interpreter.stderr, /cannot execute \.\/run: \/.*sh, by which it runs, is not to be executed/);
});
