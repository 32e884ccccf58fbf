/** `--compile=FILE`: a policy and a command as an executable, seen from outside. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { secfiltScript, testEngine, who } from '../support/environment.ts';
import { python } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { type Outcome, run, type RunOptions } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const lacks =
  landlockVersion() < 6
    ? 'the kernel engine needs Landlock ABI 6'
    : testEngine === 'trace'
      ? 'no other engine has a part in it'
      : undefined;
const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
/** Of a client: the engine that the tests are run with. */
const engine = testEngine === 'trace' ? ['--engine=trace'] : [];
const KINDS = [
  { kind: 'stand-alone', options: ['--engine=kernel'] },
  { kind: 'client', options: engine },
] as const;

/** No service of whoever runs the tests is to answer. */
function environmentIn(folder: string): NonNullable<RunOptions['env']> {
  return { PATH, XDG_RUNTIME_DIR: folder, NODE_OPTIONS: undefined };
}

interface Place {
  readonly root: string;
  /** The executable that is made. */
  readonly file: string;
  /** Where changes are allowed. */
  readonly a: string;
}

function makePlace(t: TestContext): Place {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'a'));
  return { root, file: join(root, 'compiled'), a: join(root, 'a') };
}

function secfilt(words: readonly string[], { root }: Place, options: RunOptions = {}): Promise<Outcome> {
  const env = { ...environmentIn(root), ...options.env };
  return run([process.execPath, secfiltScript, ...words], { cwd: root, ...options, env });
}

async function compile(place: Place, words: readonly string[], options: RunOptions = {}): Promise<void> {
  const outcome = await secfilt([`--compile=${place.file}`, ...words], place, options);
  assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
}

function start({ root, file }: Place, words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run([file, ...words], { cwd: root, ...options, env: { ...environmentIn(root), ...options.env } });
}

for (const { kind, options } of KINDS) {
  const kindTest = (title: string, body: (t: TestContext) => Promise<void>): void => {
    void test(`${kind}: ${title} (${who})`, (t) =>
      kind === 'stand-alone' && lacks !== undefined ? t.skip(lacks) : body(t));
  };

  kindTest('the policy holds, with the words that were compiled and those of the start', async (t) => {
    const place = makePlace(t);
    const script = 'printf "<%s>" "$0" "$@"; echo x > a/in; echo x > out';
    await compile(place, [...options, '--write-allow=a', '--', 'sh', '-c', script, 'a b', '']);
    const { stdout, stderr } = await start(place, ['-c', '--', '', '* "', 'ä']);
    assert.equal(stdout, '<a b><><-c><--><><* "><ä>');
    assert.match(stderr, /cannot create out: (?:Permission denied|Operation not permitted)/);
    assert.deepEqual(readdirSync(place.root).toSorted(), ['a', 'compiled']);
    assert.equal(readFileSync(join(place.a, 'in'), 'latin1'), 'x\n');
  });

  kindTest('from another directory it means the same paths and the same command', async (t) => {
    const place = makePlace(t);
    const script = join(place.root, 'script');
    writeFileSync(script, '#!/bin/sh\npwd; echo x > "$1"/a/in; echo x > "$1"/out\n', { mode: 0o755 });
    await compile(place, [...options, '--write-allow=./a', '--', './script']);
    const { stdout } = await start(place, [place.root], { cwd: '/' });
    assert.equal(stdout, '/\n');
    assert.deepEqual([existsSync(join(place.a, 'in')), existsSync(join(place.root, 'out'))], [true, false]);
  });

  kindTest('a config file is read when it is made', async (t) => {
    const place = makePlace(t);
    writeFileSync(join(place.root, 'c.conf'), 'write-allow=$PLACE\n');
    await compile(place, [...options, '--config=c.conf'], { env: { PLACE: place.a } });
    writeFileSync(join(place.root, 'c.conf'), 'write-allow=.\n');
    await start(place, ['sh', '-c', 'echo x > a/in; echo x > out'], { env: { PLACE: place.root } });
    assert.deepEqual([existsSync(join(place.a, 'in')), existsSync(join(place.root, 'out'))], [true, false]);
  });

  kindTest('exit codes, signals and words for what cannot be executed are those of secfilt', async (t) => {
    const place = makePlace(t);
    const [plain, bad, script] = ['plain', 'bad', '-script'].map((name) => join(place.root, name));
    writeFileSync(plain ?? '', 'x', { mode: 0o644 });
    writeFileSync(bad ?? '', '#!/nonexistent\n', { mode: 0o755 });
    writeFileSync(script ?? '', 'echo "ran $1"\n', { mode: 0o755 });
    await compile(place, [...options, '--read-only']);
    for (const words of [
      [],
      ['sh', '-c', 'exit 7'],
      ['sh', '-c', 'kill -TERM $$'],
      ['nonexistent'],
      ['/nonexistent'],
      [''],
      ['./plain'],
      ['./bad'],
      ['.'],
      ['./plain/below'],
      ['./-script', 'there'],
      ['-script', 'in PATH'],
    ]) {
      const env = { PATH: `:/etc/passwd:${PATH}` };
      const secfilts = await secfilt([...options, '--read-only', '--', ...words], place, { env });
      const outcome = await start(place, words, { env });
      if (words.length === 0) {
        assert.equal(outcome.code, 125);
        assert.match(outcome.stderr, /^secfilt: no command is given/);
      } else assert.deepEqual(outcome, secfilts, words.join(' '));
    }
  });

  kindTest('no word is changed, whatever its bytes', async (t) => {
    const place = makePlace(t);
    await compile(place, [
      ...options,
      '--read-only',
      '--',
      'sh',
      '-c',
      'printf "%s" "$1" | od -An -tx1',
      'sh',
    ]);
    const outcome = await run(['sh', '-c', `exec "$0" "$(printf '\\377\\303\\001')"`, place.file], {
      env: environmentIn(place.root),
    });
    assert.deepEqual([outcome.stdout.trim(), outcome.code], ['ff c3 01', 0]);
  });

  kindTest('closed standard streams, and others that are open', async (t) => {
    const place = makePlace(t);
    await compile(place, [...options, '--read-only']);
    const script = `exec 7</etc/passwd; "$0" sh -c 'test -e /proc/self/fd/7; echo $?' <&- 2>&-; "$0" sh -c 'exit 5' >&- 2>&- <&-; echo $?`;
    const { stdout } = await run(['bash', '-c', script, place.file], { env: environmentIn(place.root) });
    assert.equal(stdout, '1\n5\n');
  });

  kindTest('--explain=FILE shows what is in it', async (t) => {
    const place = makePlace(t);
    mkdirSync(join(place.root, 'b,c'));
    await compile(place, [...options, '--write-allow=a,b\\,c', '--no-outbound-network', '--', 'make', 'a b']);
    const baked = [
      `--write-allow=${place.a}`,
      `--write-allow=${place.root}/b\\\\,c`,
      '--no-outbound-network',
    ];
    const json = await secfilt([`--explain=${place.file}`, '--json'], place);
    const said: Readonly<Record<string, unknown>> = JSON.parse(json.stdout);
    assert.deepEqual(
      [said['kind'], said['command']],
      [kind === 'client' ? 'client' : 'kernel', ['make', 'a b']],
    );
    assert.deepEqual(said['options'], [...options, ...baked]);
    const { stdout } = await secfilt([`--explain=${place.file}`], place);
    assert.match(stdout, /^command: make 'a b', and what is given at each start$/m);
    assert.match(stdout, new RegExp(`^options: .*--write-allow=${place.a} .*--no-outbound-network$`, 'm'));
  });

  kindTest('readelf and gdb are content with it', async (t) => {
    const place = makePlace(t);
    await compile(place, [...options, '--read-only']);
    const { stdout, stderr, code } = await run(['readelf', '-W', '-a', place.file]).catch(() => {
      return { stdout: '', stderr: '', code: null };
    });
    if (code === null) return t.skip('readelf is not installed');
    assert.equal(stderr, '');
    const flags = [...stdout.matchAll(/^ +(?:LOAD|GNU_STACK) +(?:0x[0-9a-f]+ +){5}([RWE ]{3})/gm)];
    assert.ok(flags.length >= 3 && flags.every(([, flag = '']) => !/W.*E/.test(flag)), stdout);
    assert.match(stdout, /There is no dynamic section in this file/);
    const gdb = await run([
      'gdb',
      '-nx',
      '-batch',
      '-ex',
      'info files',
      '-ex',
      'x/i $entry',
      place.file,
    ]).catch(() => undefined);
    if (gdb !== undefined) assert.match(gdb.stdout, /file type elf64-x86-64/);
  });
}

/** Of the stand-alone one: it is the kernel engine without secfilt, so that they must agree. */
const SAME: readonly (readonly string[])[] = [
  [],
  ['--write-allow=a,f'],
  ['--read-only', '--no-outbound-network'],
  ['--allowed-ports=PORT'],
  ['--mainstream-network-families', '--write-allow=a'],
];

const WHAT_IS_ALLOWED = String.raw`
import stat
port = int(sys.argv[2])
def attempt(f):
    try: return str(f())
    except OSError as e: return e.errno
def made(path):
    with open(path, 'w') as f: f.write('x')
result = {}
for path in ['a/new', 'f', 'g', '/dev/null', '/dev/full', '/dev/tty', '/tmp/.secfilter-same', '/var/tmp/.secfilter-same', '/.secfilter-same',
             '/proc/self/comm', '/proc/sys/kernel/ngroups_max', '/sys/kernel/mm/ksm/run', '/proc/self/oom_score_adj']:
    result['write ' + path] = attempt(lambda: made(path))
for path in ['a/new', '/tmp/.secfilter-same', '/var/tmp/.secfilter-same', '/.secfilter-same']:
    result['unlink ' + path] = attempt(lambda: os.unlink(path))
result['mkdir'] = attempt(lambda: os.mkdir('a/d'))
result['rename'] = attempt(lambda: os.rename('a/d', 'd'))
result['device'] = attempt(lambda: os.mknod('a/node', stat.S_IFCHR | 0o600, os.makedev(1, 3)))
result['chmod'] = attempt(lambda: os.chmod('f', 0o600))
for family in (1, 2, 10, 16, 17, 38):
    for kind in (1, 2, 3):
        result['socket %d %d' % (family, kind)] = attempt(lambda: socket.socket(family, kind).close())
result['pair'] = attempt(lambda: [s.close() for s in socket.socketpair()] and None)
for address in (('127.0.0.1', port), ('127.0.0.1', 2)):
    result['connect %s' % (address[1] == port)] = attempt(lambda: socket.socket().connect(address))
result['kill'] = attempt(lambda: os.kill(os.getppid(), 0))
result['ptrace'] = sc(101, 16, os.getppid(), 0, 0)
result['namespace'] = sc(272, 0x10000000)
result['descriptors'] = sorted(os.listdir('/proc/self/fd'))
import resource
# Where files are restricted no compiled policy has cores.
result['limits'] = [resource.getrlimit(n) for n in range(16) if n != resource.RLIMIT_CORE]
result['core'] = attempt(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
keep = ('Cap', 'NoNewPrivs', 'Seccomp', 'SigBlk', 'SigIgn', 'SigCgt', 'Uid', 'Gid', 'Groups')
result['status'] = [l for l in open('/proc/self/status') if l.startswith(keep)]
result['environment'] = sorted(os.environ)
print(json.dumps(result))`;

for (const options of SAME) {
  void test(`stand-alone as secfilt --engine=kernel ${options.join(' ')} (${who})`, async (t) => {
    if (lacks !== undefined) return t.skip(lacks);
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(() => server.close());
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const words = ['--engine=kernel', ...options.map((word) => word.replace('PORT', String(address.port)))];
    const outcomes: Outcome[] = [];
    for (const compiled of [false, true]) {
      const place = makePlace(t);
      for (const name of ['f', 'g']) writeFileSync(join(place.root, name), 'kept');
      const script = python(`import json\n${WHAT_IS_ALLOWED}`, place.root, String(address.port));
      if (compiled) await compile(place, [...words, '--', ...script]);
      outcomes.push(
        compiled
          ? await start(place, [], { env: { XDG_RUNTIME_DIR: '/' } })
          : await secfilt([...words, '--', ...script], place, { env: { XDG_RUNTIME_DIR: '/' } }),
      );
    }
    const [kernel, compiled] = outcomes.map(({ code, stdout, stderr }) => {
      assert.equal(code, 0, stderr);
      const said: Readonly<Record<string, unknown>> = JSON.parse(stdout);
      return said;
    });
    assert.deepEqual(compiled, kernel);
  });
}

void test(`stand-alone: neither PATH nor an environment is needed, and few descriptors (${who})`, async (t) => {
  if (lacks !== undefined) return t.skip(lacks);
  const place = makePlace(t);
  await compile(place, ['--engine=kernel', '--write-allow=a', '--', '/bin/echo', 'there']);
  const script =
    '/usr/bin/env -i "$0"; PATH= "$0"; unset PATH; "$0"; ulimit -n 5; "$0" limited; ulimit -n 3; "$0"; echo $?';
  const { stdout, stderr } = await run(['/bin/bash', '-c', script, place.file]);
  assert.equal(stdout, 'there\nthere\nthere\nthere limited\n125\n');
  assert.match(stderr, /^secfilt: .*: too many open files\n$/);
});

void test(`stand-alone: a standard stream that reaches more than its peer is refused (${who})`, async (t) => {
  if (lacks !== undefined) return t.skip(lacks);
  const place = makePlace(t);
  await compile(place, ['--engine=kernel', '--read-only', '--', 'true']);
  const outside = String.raw`
import subprocess
a, b = socket.socketpair()
loose = [socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]]
print([subprocess.run([sys.argv[1]], stdin=s, stderr=subprocess.DEVNULL).returncode for s in [a, *loose]])`;
  const { stdout, stderr } = await run(python(outside, place.file));
  assert.equal(stdout, '[0, 125, 125, 125]\n', stderr);
});

void test(`stand-alone: a policy that needs a supervisor makes nothing, and the option is named (${who})`, async (t) => {
  if (lacks !== undefined) return t.skip(lacks);
  const place = makePlace(t);
  for (const option of ['--allow-unix=/run/x', '--allowed-netmasks=10.0.0.0/8', '--write-own=a']) {
    const words = [`--compile=${place.file}`, '--engine=kernel', '--read-only', option, 'true'];
    const { code, stderr } = await secfilt(words, place);
    assert.equal(code, 125, option);
    assert.match(stderr, new RegExp(`^secfilt: --compile.*${option.split('=')[0]}`), option);
  }
  const holding = dirname(dirname(secfiltScript));
  const words = [`--compile=${place.file}`, '--engine=kernel', `--write-allow=${holding}`, 'true'];
  const { code, stderr } = await secfilt(words, place);
  // Where tests run from a directory of their own below it, that is said first.
  assert.equal(code, 125);
  assert.match(stderr, /holds what secfilt itself is made of|is where the command may make changes/);
  assert.deepEqual(readdirSync(place.root), ['a']);
});

void test(`what makes no sense is refused, and nothing is made (${who})`, async (t) => {
  const place = makePlace(t);
  const conf = join(place.root, 'c.conf');
  writeFileSync(conf, 'log=here\n');
  for (const [words, message] of [
    [['--log=-'], /--log has no effect with --compile/],
    [[`--config=${conf}`], /c\.conf:1: log has no effect with --compile/],
    [['--learn=x'], /--learn has no effect with --compile/],
    [['--explain'], /--explain contradicts --compile/],
    [['--probe'], /--probe contradicts --compile|--compile contradicts --probe/],
    [['--list-calls'], /contradicts/],
    [['--serve'], /contradicts/],
    [['--json'], /--json has no effect/],
    [['--write-allow=/nonexistent/x'], /--write-allow: .*does not exist/],
  ] as const) {
    const { code, stderr } = await secfilt([`--compile=${place.file}`, ...words], place);
    assert.deepEqual([code, message.test(stderr)], [125, true], stderr);
  }
  for (const [file, message] of [
    ['a', /exists and is no compiled policy/],
    ['c.conf', /exists and is no compiled policy/],
    ['none/x', /cannot be written: no such file/],
    ['/proc/x', /cannot be written|no such file/],
  ] as const) {
    const { code, stderr } = await secfilt([`--compile=${file}`, '--read-only', 'true'], place);
    assert.deepEqual([code, message.test(stderr)], [125, true], stderr);
  }
  assert.deepEqual(readdirSync(place.root).toSorted(), ['a', 'c.conf']);
  assert.equal(readFileSync(conf, 'latin1'), 'log=here\n');
});

void test(`an earlier one and an empty file are replaced as a whole, with the mode of a program (${who})`, async (t) => {
  const place = makePlace(t);
  writeFileSync(place.file, '', { mode: 0o600 });
  await compile(place, ['--read-only', '--', 'echo', 'one']);
  const { ino, mode } = statSync(place.file);
  assert.equal(mode & 0o7777, 0o755 & ~process.umask());
  chmodSync(place.file, 0o600);
  await compile(place, ['--read-only', '--', 'echo', 'two']);
  assert.notEqual(statSync(place.file).ino, ino);
  assert.equal((await start(place, [])).stdout, 'two\n');
  symlinkSync('compiled', join(place.root, 'link'));
  const linked = await secfilt(['--compile=link', '--read-only', 'true'], place);
  assert.equal(linked.code, 125);
  const script = 'umask 077; exec "$@"';
  const words = [process.execPath, secfiltScript, `--compile=${place.file}`, '--read-only'];
  await run(['sh', '-c', script, 'sh', ...words], { env: environmentIn(place.root) });
  assert.equal(statSync(place.file).mode & 0o7777, 0o700);
});

void test(`--explain of any other file says that it is none (${who})`, async (t) => {
  const place = makePlace(t);
  for (const file of ['/bin/true', '/etc/passwd', '/dev/zero', '/', secfiltScript]) {
    const { code, stdout, stderr } = await secfilt([`--explain=${file}`], place);
    assert.deepEqual([code, stdout], [125, ''], file);
    assert.match(stderr, /is no compiled policy/);
  }
  await compile(place, ['--read-only']);
  const both = await secfilt([`--explain=${place.file}`, '--read-only'], place);
  assert.deepEqual([both.code, /--read-only has no effect/.test(both.stderr)], [125, true]);
});
