/**
 * `--learn=FILE`: what a command did becomes a config file under which it runs again.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { run, secfilt, type RunOptions } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

async function lacks(t: TestContext, program: string): Promise<boolean> {
  const { code } = await run(['sh', '-c', `command -v ${program}`]);
  if (code !== 0) t.skip(`there is no ${program}`);
  return code !== 0;
}

/** Learns the command, runs it under what was learned, and sees that more is refused. @returns what was learned */
async function roundTrip(
  t: TestContext,
  shell: string,
  options: RunOptions & { cwd: string },
): Promise<string> {
  const config = join(temporaryDirectory(t), 'learned.conf');
  const learned = await secfilt([`--learn=${config}`, '--', 'sh', '-c', shell], options);
  assert.equal(learned.code, 0, learned.stderr);
  const text = readFileSync(config, 'latin1');
  const again = await secfilt([`--config=${config}`, '--', 'sh', '-c', shell], options);
  assert.equal(again.code, 0, `${again.stderr}\n${text}`);
  const outside = join(temporaryDirectory(t), 'outside');
  const more = await secfilt([`--config=${config}`, '--', 'sh', '-c', `echo > ${outside}`], options);
  assert.notEqual(more.code, 0, text);
  assert.equal(existsSync(outside), false);
  return text;
}

/** A project, and a home and a place for temporary files of its own. */
function project(t: TestContext): { cwd: string; env: Record<string, string> } {
  const root = temporaryDirectory(t);
  const [cwd, home, scratch] = ['project', 'home', 'scratch'].map((name) => join(root, name));
  assert.ok(cwd !== undefined && home !== undefined && scratch !== undefined);
  for (const path of [cwd, home, scratch]) mkdirSync(path);
  return { cwd, env: { HOME: home, TMPDIR: scratch } };
}

void test('make is learned', async (t) => {
  if (await lacks(t, 'make')) return;
  const options = project(t);
  writeFileSync(join(options.cwd, 'Makefile'), 'all:\n\tmkdir -p out\n\techo a > out/a\n\tcp out/a out/b\n');
  const text = await roundTrip(t, 'make && rm -r out', options);
  assert.ok(text.includes(`\nwrite-allow=${options.cwd}\n`), text);
  assert.match(text, /^# changed \d+ times$/m);
  assert.match(text, /^no-outbound-network=1$/m);
});

void test('git is learned', async (t) => {
  if (await lacks(t, 'git')) return;
  const options = project(t);
  const commit = 'git -c user.name=a -c user.email=a@example.org commit -qm a';
  await roundTrip(t, `rm -rf .git && git init -q && echo a > f && git add f && ${commit}`, options);
});

void test('npm is learned', async (t) => {
  if (await lacks(t, 'npm')) return;
  const options = project(t);
  mkdirSync(join(options.cwd, 'dependency'));
  writeFileSync(join(options.cwd, 'dependency/package.json'), '{"name":"dependency","version":"1.0.0"}');
  writeFileSync(join(options.cwd, 'package.json'), '{"name":"project","version":"1.0.0"}');
  const install = 'npm install --offline --no-audit --no-fund --install-links file:dependency';
  await roundTrip(t, `rm -rf node_modules && ${install}`, options);
});

void test('curl to this host is learned: address and port, and no other port', async (t) => {
  if (await lacks(t, 'curl')) return;
  const server = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server of TCP
  const { port } = server.address() as AddressInfo;
  const options = project(t);
  const text = await roundTrip(t, `curl -sS http://127.0.0.1:${port}/ > page`, options);
  assert.match(text, /^allowed-netmasks=127\.0\.0\.1$/m);
  assert.match(text, new RegExp(`^allowed-ports=${port}$`, 'm'));
});

void test('a server of the command’s own is no destination to be allowed', async (t) => {
  if (await lacks(t, 'python3')) return;
  const server = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server of TCP
  const { port } = server.address() as AddressInfo;
  const own = `
import socket
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family); server.bind((address, 0)); server.listen(); client = socket.create_connection(server.getsockname()[:2]); client.sendall(b'x'); assert server.accept()[0].recv(9)
    server = socket.socket(family, socket.SOCK_DGRAM); server.bind((address, 0)); client = socket.socket(family, socket.SOCK_DGRAM)
    client.sendto(b'x', server.getsockname()); data, who = server.recvfrom(9); server.sendto(data, who); client.recv(9); client.connect(server.getsockname()); client.send(b'y'); server.recv(9)
`;
  const options = project(t);
  for (const landlock of [true, false]) {
    const rules = rulesOf(await learnPython(t, own, options, landlock));
    assert.deepEqual(rules, ['read-only=1', 'no-outbound-network=1']);
    const other = `${own}\nsocket.create_connection(('127.0.0.1', ${port})).close()`;
    const more = rulesOf(await learnPython(t, other, options, landlock));
    assert.deepEqual(more, ['read-only=1', 'allowed-netmasks=127.0.0.1', `allowed-ports=${port}`]);
  }
});

void test('protected places are commented out, and stay closed', async (t) => {
  const options = project(t);
  const config = join(temporaryDirectory(t), 'learned.conf');
  const shell = 'echo a >> $HOME/.bashrc; mkdir -p $HOME/.ssh; echo k > $HOME/.ssh/key; echo b > b';
  const learned = await secfilt([`--learn=${config}`, 'sh', '-c', shell], options);
  assert.equal(learned.code, 0, learned.stderr);
  assert.equal(existsSync(join(options.env['HOME'] ?? '', '.ssh/key')), true);
  const text = readFileSync(config, 'latin1');
  assert.match(text, /^# WARNING: shell start-up; .*\n#write-allow=.*\/\.bashrc$/m);
  assert.match(text, /^# WARNING: keys; .*\n#write-allow=.*\/\.ssh$/m);
  assert.doesNotMatch(text, /^write-allow=.*home/m);
  const again = await secfilt([`--config=${config}`, 'sh', '-c', 'echo a >> $HOME/.bashrc'], options);
  assert.notEqual(again.code, 0);
});

void test('the file is written though the command fails, and never over another', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'learned.conf');
  const failed = await secfilt([`--learn=${config}`, 'sh', '-c', 'echo a > a; exit 3'], { cwd: directory });
  assert.equal(failed.code, 3);
  const text = readFileSync(config, 'latin1');
  assert.match(text, /^write-allow=/m);
  const again = await secfilt([`--learn=${config}`, 'true']);
  assert.equal(again.code, 125);
  assert.match(again.stderr, /--learn: ".*" exists already/);
  assert.equal(readFileSync(config, 'latin1'), text);
});

void test('--learn is not for a run that is restricted', async () => {
  const { code, stderr } = await secfilt(['--learn=/nowhere', '--read-only', 'true']);
  assert.equal(code, 125);
  assert.match(stderr, /--learn watches a run without restrictions/);
});

/** Learns what a Python script does, with Landlock and without it. @returns what was learned, each byte a character */
async function learnPython(
  t: TestContext,
  script: string,
  options: RunOptions,
  landlock: boolean,
): Promise<string> {
  const config = join(temporaryDirectory(t), 'learned.conf');
  const env = { ...options.env, SECFILTER_LANDLOCK: landlock ? undefined : '0' };
  const words = [`--learn=${config}`, '--', 'python3', '-c', script];
  const { code, stderr } = await secfilt(words, { ...options, env });
  assert.equal(code, 0, stderr);
  return readFileSync(config, 'latin1');
}

/** The lines that allow something. */
function rulesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

for (const landlock of [true, false]) {
  const way = landlock ? 'with Landlock' : 'without Landlock';

  void test(`S09 names that hold a line of a config file write none, ${way}`, async (t) => {
    if (await lacks(t, 'python3')) return;
    const options = project(t);
    const script = `# \u010awrite-allow=/etc
import os, socket
for name in ('\\u010awrite-allow=', '\\n\\u010ainclude=', '\\nwrite-allow=', '\\u0a0awrite-allow=#', ' #\\n', '\\u2028'):
    os.makedirs(name + '/etc')
    open(name + '/etc/x', 'w').close()
    server = socket.socket(socket.AF_UNIX); server.bind('\\0' + name + '/etc'); server.listen()
    socket.socket(socket.AF_UNIX).connect('\\0' + name + '/etc')
    try: socket.socket(socket.AF_UNIX).connect('\\0' + name + '/etc/absent')
    except OSError: pass
`;
    const text = await learnPython(t, script, options, landlock);
    for (const rule of rulesOf(text))
      assert.match(rule, /^(read-only=1|no-outbound-network=1|write-allow=\/.*\/project.*)$/, text);
    const config = join(temporaryDirectory(t), 'learned.conf');
    writeFileSync(config, text, 'latin1');
    const probe = join(temporaryDirectory(t), 'probe');
    const again = await secfilt(
      [`--config=${config}`, 'sh', '-c', `echo > ${probe}; test -e ${probe}`],
      options,
    );
    assert.equal(again.code, 1, again.stderr);
  });

  void test(`S09 what fails is not learned, ${way}`, async (t) => {
    if (await lacks(t, 'python3')) return;
    const options = project(t);
    for (const name of ['there', 'read', 'full']) mkdirSync(join(options.cwd, name));
    for (const name of ['there/f', 'read/f', 'full/f']) writeFileSync(join(options.cwd, name), '');
    const script = `
import ctypes, errno, os, socket, struct
def fails(call, *args):
    try: call(*args)
    except OSError as error: return error.errno
    raise AssertionError(call)
unix = lambda kind=socket.SOCK_STREAM: socket.socket(socket.AF_UNIX, kind)
fails(os.mkdir, 'there')
fails(os.open, 'there', os.O_RDWR)
fails(os.open, 'there/f', os.O_WRONLY | os.O_CREAT | os.O_EXCL)
fails(os.open, 'there/f/x', os.O_WRONLY | os.O_CREAT)
fails(os.open, 'absent/f', os.O_WRONLY | os.O_CREAT)
fails(os.unlink, 'there/absent')
fails(os.rmdir, 'there')
fails(os.rename, 'there/absent', 'there/g')
fails(os.rename, 'read', 'full')
fails(os.link, 'there/absent', 'there/g')
fails(os.symlink, 'x', 'there/f')
fails(os.mkfifo, 'there/f')
fails(os.truncate, 'there', 0)
fails(os.chmod, 'there/absent', 0)
fails(os.utime, 'absent')
fails(unix().bind, 'there/f')
fails(unix().connect, 'there/f')
fails(unix().connect, '\\0secfilt-nobody-\\u010awrite-allow=/etc')
fails(unix(socket.SOCK_DGRAM).sendto, b'x', '\\0secfilt-nobody')
closed = socket.socket(); closed.bind(('127.0.0.1', 0)); port = closed.getsockname()[1]
fails(socket.socket().connect, ('127.0.0.1', port))
begun = socket.socket(); begun.setblocking(False)
begun.connect_ex(('127.0.0.1', port))
fails(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b'x' * 70000, ('127.0.0.1', 9))
fails(os.mkdir, '/proc/secfilt-none')
if os.getuid() != 0:
    fails(os.open, '/etc/passwd', os.O_WRONLY)
    fails(os.open, '/etc/secfilt-none', os.O_WRONLY | os.O_CREAT)
    fails(os.mkdir, '/etc/secfilt-none')
    fails(os.chmod, '/etc', 0o777)
# To read is no lesson either, by whatever call.
os.close(os.open('read/f', os.O_RDONLY | os.O_CREAT))
libc = ctypes.CDLL(None, use_errno=True)
how = ctypes.create_string_buffer(struct.pack('QQQ', os.O_RDONLY, 0, 0))
assert libc.syscall(437, -100, b'read/f', how, 24) >= 0 or ctypes.get_errno() == errno.ENOSYS
`;
    const text = await learnPython(t, script, options, landlock);
    assert.deepEqual(rulesOf(text), ['read-only=1', 'no-outbound-network=1'], text);
    assert.doesNotMatch(text, /^#?(?:allow-unix|write-allow|allowed-)/m);
  });
}

void test('S09 what has to wait is learned when it has come about', async (t) => {
  if (await lacks(t, 'python3')) return;
  const options = project(t);
  for (const name of ['a', 'b']) mkdirSync(join(options.cwd, name));
  const script = `
import os, signal, time
os.mkfifo('a/fifo'); os.mkfifo('b/fifo'); os.unlink('b/fifo')
if os.fork() == 0:
    time.sleep(0.2); os.open('a/fifo', os.O_RDONLY); os._exit(0)
os.open('a/fifo', os.O_WRONLY); os.wait()
os.chdir('/'); os.chdir(${JSON.stringify(options.cwd)})
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late); signal.setitimer(signal.ITIMER_REAL, 0.2)
try: os.open(os.environ['HOME'] + '/fifo', os.O_WRONLY)
except TimeoutError: pass
`;
  await run(['mkfifo', join(options.env['HOME'] ?? '', 'fifo')]);
  const text = await learnPython(t, script, options, true);
  const rules = rulesOf(text).filter((rule) => rule.startsWith('write-allow='));
  assert.deepEqual(
    rules,
    ['a', 'b'].map((name) => `write-allow=${options.cwd}/${name}`),
    text,
  );
});

void test('S09 nothing above a home is opened, nor anything sensitive that was seen', async (t) => {
  const { cwd } = project(t);
  const home = join(cwd, 'jenkins');
  for (const path of ['jenkins', 'p', 'p/.git', 'p/.git/hooks', 'q'])
    if (!existsSync(join(cwd, path))) mkdirSync(join(cwd, path));
  const options = { cwd, env: { HOME: home, TMPDIR: cwd } };
  const config = join(temporaryDirectory(t), 'learned.conf');
  const shell = `for i in 1 2 3 4 5; do mkdir $i; echo > $i/x; mkdir p/$i; echo > p/$i/x; mkdir q/$i; echo > q/$i/x; done
    echo > p/.git/hooks/post-commit; echo > p/.git/index; chmod 700 "$HOME"; echo > "$HOME/.netrc"`;
  const learned = await secfilt([`--learn=${config}`, 'sh', '-c', shell], options);
  assert.equal(learned.code, 0, learned.stderr);
  const text = readFileSync(config, 'latin1');
  const rules = rulesOf(text);
  assert.ok(!rules.includes(`write-allow=${cwd}`) && !rules.includes(`write-allow=${home}`), text);
  // A directory that something was made in is open, and what it opens with that is said.
  assert.ok(rules.includes(`write-allow=${cwd}/q`) && rules.includes(`write-allow=${cwd}/p`), text);
  assert.match(text, /^# WARNING: runs commands; .*\/p\/\.git\/hooks\/post-commit, which .*\/p opens too$/m);
  assert.match(text, /^# WARNING: a home directory; changed 2 times\n#write-allow=.*\/jenkins$/m);
  const again = await secfilt([`--config=${config}`, 'sh', '-c', 'echo > "$HOME/.bashrc"'], options);
  assert.notEqual(again.code, 0);
  assert.equal(existsSync(join(home, '.bashrc')), false);
  const summary = await secfilt(
    ['--read-only', 'sh', '-c', 'for i in 1 2 3 4 5; do echo > $i/x; done'],
    options,
  );
  assert.match(summary.stderr, /allow with/);
  assert.ok(!summary.stderr.includes(`--write-allow=${cwd}\n`), summary.stderr);
});

void test('S09 a warning stays for what is gone by the end of the run', async (t) => {
  const root = temporaryDirectory(t);
  const file = join(root, 'c.conf');
  const script = 'mkdir -p p/.git/hooks && echo x > p/.git/hooks/pre-commit && rm -r p';
  const { code } = await secfilt([`--learn=${file}`, 'sh', '-c', script], { cwd: root });
  assert.equal(code, 0);
  assert.match(readFileSync(file, 'latin1'), /WARNING: runs commands/);
});

void test('S09 what the command writes to the learned file is no rule', async (t) => {
  const config = join(temporaryDirectory(t), 'learned.conf');
  const shell = `{ yes '' | head -5000; echo write-allow=/etc; } > ${config}`;
  const learned = await secfilt([`--learn=${config}`, 'sh', '-c', shell], project(t));
  assert.deepEqual([learned.code, learned.stderr.includes('another file')], [0, false], learned.stderr);
  const text = readFileSync(config, 'latin1');
  assert.deepEqual(
    rulesOf(text).filter((rule) => rule.includes('/etc')),
    [],
  );
  const other = `${config}.other`;
  const replaced = await secfilt(
    [`--learn=${other}`, 'sh', '-c', `echo write-allow=/etc > ${config}; mv ${config} ${other}`],
    project(t),
  );
  assert.match(replaced.stderr, /--learn: the command has put another file in the place/);
});

void test('S09 a place that has become a symbolic link is for a person to decide', async (t) => {
  const options = project(t);
  const home = options.env['HOME'] ?? '';
  const config = join(temporaryDirectory(t), 'learned.conf');
  const shell = 'cd; echo > a; rm a; ln -s /etc a';
  const learned = await secfilt([`--learn=${config}`, 'sh', '-c', shell], options);
  assert.equal(learned.code, 0, learned.stderr);
  const text = readFileSync(config, 'latin1');
  assert.deepEqual(rulesOf(text), ['read-only=1', 'no-outbound-network=1'], text);
  assert.ok(
    text.includes(
      `# WARNING: by now a symbolic link leads elsewhere; changed 2 times\n#write-allow=${home}/a\n`,
    ),
    text,
  );
});

void test('S09 of a call by somebody with a filter of its own nobody knows what came', async (t) => {
  if (await lacks(t, 'python3')) return;
  const options = project(t);
  mkdirSync(join(options.cwd, 'seen'));
  const script = `
import ctypes, os, struct
open('seen/a', 'w').close()
libc = ctypes.CDLL(None)
allow = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(allow)))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
try: os.mkdir('/etc')
except OSError: pass
try: open('new', 'w').close()
except OSError: pass
`;
  const text = await learnPython(t, script, options, true);
  const rules = rulesOf(text).filter((rule) => rule.startsWith('write-allow='));
  assert.deepEqual(rules, [`write-allow=${options.cwd}/seen`], text);
  if (existsSync(join(options.cwd, 'new')))
    assert.match(text, /^# WARNING: nobody saw whether it succeeded; changed once\n#write-allow=.*project$/m);
});

void test('what is made in /tmp and /dev/shm is learned as one’s own, what others have there by its name', async (t) => {
  const options = { ...project(t), env: { TMPDIR: undefined } };
  const theirs = join(temporaryDirectory(t), 'theirs');
  writeFileSync(theirs, '');
  const shell = `d=$(mktemp -d) && echo a > $d/f && mv $d/f $d/g && f=$(mktemp) && echo b > $f && rm -r $d $f
    echo c >> ${theirs} && : > /dev/shm/learned$$ && rm /dev/shm/learned$$`;
  const text = await roundTrip(t, shell, options);
  assert.match(text, /^# made in \/tmp or \/var\/tmp, .* \d+ times\nown-tmp=1$/m);
  assert.deepEqual(
    rulesOf(text).filter((line) => line.startsWith('write-allow=')),
    [`write-allow=${theirs}`],
  );
});
