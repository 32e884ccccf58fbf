/**
 * secfilt in the tree that its command may change, as a project's own dependency: what the next run is made of, its config
 * file and the log of this one stay as they are, and all else is changed as ever.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { projectRoot, who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { run } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A project that has secfilter among its modules, `bin` in front of the PATH, a config file and a link to one. */
function makeProject(t: TestContext): string {
  const project = realpathSync(temporaryDirectory(t));
  const modules = join(project, 'node_modules');
  for (const name of ['dist', 'package.json'])
    cpSync(join(projectRoot, name), join(modules, 'secfilter', name), { recursive: true });
  for (const name of ['koffi', '@koromix'])
    cpSync(join(projectRoot, 'node_modules', name), join(modules, name), { recursive: true });
  for (const folder of ['node_modules/.bin', 'bin', 'src/d', 'conf'])
    mkdirSync(join(project, folder), { recursive: true });
  symlinkSync('../secfilter/dist/secfilt', join(modules, '.bin/secfilt'));
  writeFileSync(join(project, 'src/f'), 'x');
  writeFileSync(join(project, 'conf/common.conf'), 'quiet=0\n');
  writeFileSync(join(project, 'conf/policy.conf'), `include=common.conf\nwrite-allow=${project}\n`);
  return project;
}

/** Everything that a later run would begin with. */
function kept(project: string): unknown {
  const modules = join(project, 'node_modules');
  return [
    ...['secfilter', 'koffi', '@koromix', '.bin'].map((name) => digests(join(modules, name))),
    digests(join(project, 'conf')),
    readdirSync(join(project, 'bin')),
    readdirSync(modules).toSorted(),
  ];
}

/** Of binaries of megabytes only that they differ would be read. */
function digests(directory: string): string[] {
  return strictSnapshot(directory).map((line) =>
    line.length < 1000 ? line : `${line.slice(0, 100)} ${createHash('sha256').update(line).digest('hex')}`,
  );
}

const ATTACK = String.raw`
os.chdir(ROOT)
PLACES = ['node_modules/secfilter/dist/secfilt', 'node_modules/secfilter/dist/secfilt.cjs', 'node_modules/secfilter/dist/program.cjs', 'node_modules/secfilter/dist',
  'node_modules/secfilter/package.json', 'node_modules/secfilter', 'node_modules/koffi', 'node_modules/koffi/package.json',
  'node_modules/@koromix', 'node_modules/.bin/secfilt', 'node_modules/.bin/node', 'bin/node', 'bin/secfilt', 'node_modules/.bin',
  'node_modules', 'conf', 'conf/policy.conf', 'conf/common.conf', 'log', 'node_modules/secfilter/node_modules', 'bin']
EXCHANGE = 2
def attempt(action):
    try: return action()
    except OSError: return None
def new(name='n', text='evil'):
    path = f'src/{name}'
    attempt(lambda: open(path, 'w').write(text))
    return path
def directory():
    attempt(lambda: os.mkdir('src/evil'))
    attempt(lambda: open('src/evil/node', 'w').write('evil'))
    return 'src/evil'
def link():
    attempt(lambda: os.symlink('/tmp', 'src/link'))
    return 'src/link'
for place in PLACES:
    for flags in (1, 2, 3, 0o1000, 0o1001, 0o101, 0o301, 0o2001, 0o20200002):
        fd = sc(257, -100, place, flags, 0o777)
        if fd >= 0 and flags != 0o20200002: attempt(lambda: os.write(fd, b'evil'))
        fd = sc(437, -100, place, struct.pack('QQQ', flags, 0o777 if flags & 0o20000100 else 0, 0), 24)
        if fd >= 0: os.close(fd)
    held = attempt(lambda: os.open(place, os.O_PATH))
    if held is not None:
        attempt(lambda: os.open(f'/proc/self/fd/{held}', os.O_WRONLY))
        attempt(lambda: os.chmod(f'/proc/self/fd/{held}', 0o777)) if 'secfilter' in place else None
    readable = attempt(lambda: os.open(place, os.O_RDONLY))
    isOwn = place not in ('node_modules', 'bin', 'conf', 'node_modules/.bin')
    if readable is not None and isOwn:
        for change in (lambda: os.fchmod(readable, 0o777), lambda: os.fchown(readable, -1, os.getgid()), lambda: os.utime(readable, (1, 1)),
            lambda: os.setxattr(readable, 'user.x', b'x'), lambda: sc(16, readable, 0x40086602, struct.pack('i', 0x80))): attempt(change)
    if isOwn:
        for change in (lambda: os.chmod(place, 0o777), lambda: os.utime(place, (1, 1)), lambda: os.setxattr(place, 'user.x', b'x')): attempt(change)
    for change in (
        lambda: os.truncate(place, 0), lambda: os.unlink(place), lambda: os.rmdir(place), lambda: os.mkdir(place),
        lambda: os.mknod(place), lambda: os.mkfifo(place), lambda: os.symlink('/bin/true', place), lambda: os.link(new(), place),
        lambda: os.link(place, 'src/second'), lambda: sc(265, held, '', -100, 'src/third', 0x1000),
        lambda: os.rename(new(), place), lambda: os.rename(directory(), place), lambda: os.rename(link(), place),
        lambda: sc(316, -100, new(), -100, place, EXCHANGE), lambda: sc(316, -100, place, -100, directory(), EXCHANGE),
        lambda: sc(316, -100, link(), -100, place, EXCHANGE), lambda: sc(316, -100, place, -100, 'src/gone', 4),
        lambda: os.rename(place, 'src/moved'), lambda: socket.socket(socket.AF_UNIX).bind(place),
        lambda: sc(265, -100, f"/proc/self/fd/{os.open('src', os.O_TMPFILE | os.O_WRONLY)}", -100, place, 0x400),
    ): attempt(change)
    for name in ('second', 'third'): attempt(lambda: open(f'src/{name}', 'w').write('evil'))
# A directory of ours and a link to theirs in turn, while calls lead through the name.
os.symlink('../node_modules/secfilter/dist', 'src/link2')
end = time.time() + 1.5
def swap():
    while time.time() < end: sc(316, -100, 'src/d', -100, 'src/link2', EXCHANGE)
thread = threading.Thread(target=swap); thread.start()
while time.time() < end:
    for change in (lambda: open('src/d/program.cjs', 'r+').write('evil'), lambda: os.rename('src/d/program.cjs', 'src/d/away'),
        lambda: os.unlink('src/d/secfilt.cjs'), lambda: open('src/d/new', 'w').close(), lambda: os.chmod('src/d/program.cjs', 0)): attempt(change)
thread.join()
`;

const ORDINARY = String.raw`
os.chdir(ROOT)
os.mkdir('build'); open('build/x', 'w').write('1'); os.rename('build', 'built'); open('built/x', 'a').write('2')
open('new', 'w').write('x'); os.rename('new', 'src/new'); os.chmod('src/new', 0o600); os.utime('src/new', (5, 5)); os.link('src/new', 'built/l')
os.symlink('x', 'built/s'); os.rename('src', 'src2'); open('src2/f', 'w').write('y'); os.rename('src2', 'src'); open('src/f', 'r+').write('z')
os.mkdir('node_modules/other'); open('node_modules/other/index.js', 'w').write('x'); os.mkdir('bin/sub'); open('bin/tool', 'w').write('x')
os.rmdir('bin/sub'); os.truncate('src/f', 0); os.chmod('node_modules', 0o755)
assert open('built/x').read() == '12' and os.path.getsize('src/f') == 0
print('done')`;

for (const engine of engines) {
  for (const backing of backings) {
    const start = async (project: string, script: string) => {
      const path = [join(project, 'bin'), join(project, 'node_modules/.bin'), process.env['PATH']].join(':');
      const options = [...engine.options, `--config=${project}/conf/policy.conf`, `--log=${project}/log`];
      const words = [...options, '--', ...python(script, project)];
      return run([join(project, 'node_modules/.bin/secfilt'), ...words], {
        cwd: project,
        env: { ...backing.env, PATH: path },
      });
    };

    void test(`S08 what the next run begins with stays as it is, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const project = makeProject(t);
      const before = kept(project);
      const { code, stderr } = await start(project, ATTACK);
      assert.equal(code, 0, stderr);
      assert.deepEqual(kept(project), before);
      const second = await start(project, 'print("again")');
      assert.deepEqual([second.stdout, second.stderr], ['again\n', '']);
    });

    void test(`S08 all else in the tree is changed as ever, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const project = makeProject(t);
      const { code, stdout, stderr } = await start(project, ORDINARY);
      assert.deepEqual([code, stdout, stderr], [0, 'done\n', '']);
    });
  }
}

void test(`S08 the refusal is told, and why (${who})`, async (t) => {
  const project = makeProject(t);
  const script = join(project, 'node_modules/.bin/secfilt');
  const words = [script, '--write-allow=.', 'sh', '-c', 'echo x > node_modules/secfilter/dist/x'];
  const { code, stderr } = await run(words, { cwd: project });
  assert.equal(code, 2);
  assert.match(stderr, /create .*secfilter\/dist\/x +no option allows it: the next run would begin with it/);
});

void test(`S08 the kernel engine, which cannot keep it, says so and starts nothing (${who})`, async (t) => {
  const project = makeProject(t);
  const script = join(project, 'node_modules/.bin/secfilt');
  const words = [script, '--engine=kernel', '--write-allow=.', 'touch', 'made'];
  const { code, stderr } = await run(words, { cwd: project });
  assert.equal(code, 125);
  assert.match(stderr, /--write-allow=.* needs a supervisor: it holds what secfilt itself is made of/);
  assert.ok(!readdirSync(project).includes('made'));
});

for (const backing of backings) {
  void test(`S08 the sets of a checkout stay as they are, ${backing.name} (${who})`, async (t) => {
    const project = realpathSync(temporaryDirectory(t));
    const tool = join(project, 'tool');
    for (const name of ['dist', 'package.json', 'node_modules/koffi', 'node_modules/@koromix'])
      cpSync(join(projectRoot, name), join(tool, name), { recursive: true });
    const sets = join(tool, 'share/sets');
    mkdirSync(sets, { recursive: true });
    writeFileSync(join(sets, 'secrets.set'), '/etc/shadow  # x\n');
    const script = `cd tool; echo '/nothing  # x' > share/sets/secrets.set; rm share/sets/secrets.set; mv share/sets gone; mv share gone
mkdir -p new/sets; mv -T new share; ln -f /etc/hostname share/sets/secrets.set; touch share/sets/new.set made`;
    const words = [join(tool, 'dist/secfilt'), `--write-allow=${project}`, 'sh', '-c', script];
    const before = digests(join(tool, 'share'));
    await run(words, { cwd: project, env: backing.env });
    assert.deepEqual(digests(join(tool, 'share')), before);
    assert.ok(existsSync(join(tool, 'made')));
  });
}

for (const backing of backings) {
  void test(`S08 a link by which a denied place was found stays as it is, ${backing.name} (${who})`, async (t) => {
    const project = realpathSync(temporaryDirectory(t));
    mkdirSync(join(project, 'real'));
    writeFileSync(join(project, 'real/secret'), 'x');
    symlinkSync('real', join(project, 'link'));
    mkdirSync(join(project, 'other'));
    const words = [`--write-allow=${project}`, `--read-deny=${project}/link/secret`];
    const script = 'rm link; mv link gone; mv -T other link; ln -sfn other link; touch made';
    const secfilt = [join(projectRoot, 'dist/secfilt'), ...words, 'sh', '-c', script];
    await run(secfilt, { cwd: project, env: backing.env });
    assert.deepEqual(readdirSync(project).toSorted(), ['link', 'made', 'other', 'real']);
    assert.equal(readlinkSync(join(project, 'link')), 'real');
  });
}

/** Other ways by which a next run would come upon what the command has made. */
interface Way {
  readonly title: string;
  /** Makes what is there before; what it returns is the environment of both runs. */
  readonly prepare: (project: string) => Record<string, string>;
  /** The shell's; `$EVIL` is a line of JavaScript that shows that it ran. */
  readonly script: string;
  readonly allow?: (project: string) => string;
}

const move = (project: string, from: string, to: string): void => {
  mkdirSync(dirname(join(project, to)), { recursive: true });
  renameSync(join(project, from), join(project, to));
};
const WAYS: readonly Way[] = [
  {
    title: 'koffi in a store of its own, linked to',
    prepare: (project) => {
      move(project, 'node_modules/secfilter', 'node_modules/.pnpm/secfilter@1/node_modules/secfilter');
      move(project, 'node_modules/koffi', 'node_modules/.pnpm/koffi@1/node_modules/koffi');
      move(project, 'node_modules/@koromix', 'node_modules/.pnpm/koffi@1/node_modules/@koromix');
      symlinkSync(
        '../../koffi@1/node_modules/koffi',
        join(project, 'node_modules/.pnpm/secfilter@1/node_modules/koffi'),
      );
      symlinkSync('.pnpm/secfilter@1/node_modules/secfilter', join(project, 'node_modules/secfilter'));
      return {};
    },
    script:
      'cd node_modules/.pnpm/koffi@1/node_modules/koffi && for f in *.js *.cjs; do echo "$EVIL" > $f; done',
  },
  {
    title: 'koffi in a directory above',
    prepare: (project) => {
      move(project, 'node_modules/secfilter', 'app/node_modules/secfilter');
      symlinkSync('../app/node_modules/secfilter', join(project, 'node_modules/secfilter'));
      return {};
    },
    script: 'for f in node_modules/koffi/*.js node_modules/koffi/*.cjs; do echo "$EVIL" > $f; done',
  },
  {
    title: 'a directory of PATH that cannot be searched any more, and a command behind it',
    prepare: (project) => {
      mkdirSync(join(project, 'behind'));
      mkdirSync(join(project, 'first'));
      symlinkSync(process.execPath, join(project, 'first/node'));
      return { PATH: [join(project, 'first'), join(project, 'behind'), process.env['PATH']].join(':') };
    },
    script:
      'chmod 0 first; printf "#!/bin/sh\\ntouch $PWD/pwned\\n" > behind/node; chmod 755 behind/node; mkdir behind/secfilt',
  },
  {
    title: 'a file that NODE_OPTIONS names',
    prepare: (project) => {
      writeFileSync(join(project, 'pnp.cjs'), '');
      return { NODE_OPTIONS: `--require=${project}/pnp.cjs` };
    },
    script: 'echo "$EVIL" > pnp.cjs; rm -f pnp.cjs; echo "$EVIL" > pnp.cjs',
  },
  {
    title: 'a module that NODE_OPTIONS names by its URL, whole or relative, with low lines in the option',
    prepare: (project) => {
      for (const name of ['hook.mjs', 'my hook.mjs', 'third.mjs']) writeFileSync(join(project, name), '');
      return {
        NODE_OPTIONS: `--no-warnings --import=file://${project}/hook.mjs --import=./my%20hook.mjs?x --experimental_loader=./third.mjs`,
      };
    },
    script:
      "for f in hook.mjs 'my hook.mjs' third.mjs; do echo \"import fs from 'node:fs'; fs.writeFileSync('$PWD/pwned', '')\" > \"$f\"; done",
  },
  {
    title: 'a directory of PATH behind a link that leads nowhere yet',
    prepare: (project) => {
      symlinkSync('absent', join(project, 'link'));
      return { PATH: [join(project, 'link/bin'), dirname(process.execPath), process.env['PATH']].join(':') };
    },
    script:
      'mkdir -p absent/bin; printf "#!/bin/sh\\ntouch $PWD/pwned\\n" > absent/bin/node; chmod 755 absent/bin/node',
  },
  {
    title: 'a library that is looked for by a shorter name than its file has, and one behind a token',
    prepare: (project) => ({ LD_LIBRARY_PATH: `${project}/lib:${project}/tokens/$LIB` }),
    script:
      'mkdir -p lib tokens/lib/x86_64-linux-gnu; for f in lib/libstdc++.so.6 lib/libgcc_s.so.1 tokens/lib/libm.so.6 tokens/lib/x86_64-linux-gnu/libm.so.6; do echo x > $f && touch pwned; done',
  },
  {
    title: 'a library in the working directory, which an empty word in LD_LIBRARY_PATH names',
    prepare: () => ({ LD_LIBRARY_PATH: '/nowhere:' }),
    script: 'ln -s /lib/x86_64-linux-gnu/libm.so.6 libm.so.6; ls libm.so.6 2>/dev/null && touch pwned',
  },
  {
    title: 'the last folders in which Node looks for koffi',
    prepare: (project) => ({ HOME: project }),
    script:
      'chmod 000 node_modules 2>/dev/null; mkdir -p .node_modules/koffi .node_libraries/koffi; ls -d .node_*/koffi 2>/dev/null && touch pwned; chmod 755 node_modules',
  },
  {
    title: 'a library in a folder that LD_LIBRARY_PATH names',
    prepare: (project) => {
      mkdirSync(join(project, 'lib'));
      return { LD_LIBRARY_PATH: join(project, 'lib') };
    },
    script:
      'echo x > lib/libc.so.6; ln -s /lib/x86_64-linux-gnu/libm.so.6 lib/libm.so.6; mkdir -p lib/glibc-hwcaps; ls lib | grep -q . && touch pwned',
  },
  {
    title: 'an allowed path within the package',
    prepare: () => ({}),
    allow: (project) => join(project, 'node_modules/secfilter/dist'),
    script:
      'echo "$EVIL" > node_modules/secfilter/dist/secfilt; echo "$EVIL" > node_modules/secfilter/dist/secfilt.cjs; echo "$EVIL" > node_modules/secfilter/dist/program.cjs',
  },
];

for (const engine of engines) {
  for (const backing of backings) {
    for (const { title, prepare, script, allow = (project: string) => project } of WAYS) {
      void test(`S08 ${title}: nothing of the command's is run by the next, ${engine.name} ${backing.name} (${who})`, async (t) => {
        const project = makeProject(t);
        const env = { ...backing.env, ...prepare(project) };
        const EVIL = `require('node:fs').writeFileSync('${project}/pwned', '')`;
        const start = (command: string): ReturnType<typeof run> =>
          run(
            [
              join(project, 'node_modules/.bin/secfilt'),
              ...engine.options,
              `--write-allow=${allow(project)}`,
              'sh',
              '-c',
              command,
            ],
            {
              cwd: project,
              env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, ...env, EVIL },
            },
          );
        await start(script);
        const second = await start('echo again');
        assert.equal(existsSync(join(project, 'pwned')), false);
        if (existsSync(join(project, 'first')) && who !== 'root') chmodSync(join(project, 'first'), 0o755);
        assert.deepEqual([second.stdout, second.stderr], ['again\n', '']);
      });
    }
  }
}

for (const options of ['-r hooky/register', '--import=#h', '--import=hooky', '--preserve_symlinks_main']) {
  void test(`S08 NODE_OPTIONS=${options}: what decides in the allowed tree cannot be kept, so nothing starts (${who})`, async (t) => {
    const project = makeProject(t);
    const modules = join(project, 'node_modules/hooky');
    mkdirSync(modules);
    writeFileSync(join(modules, 'index.js'), '');
    writeFileSync(join(modules, 'register.js'), '');
    writeFileSync(join(project, 'package.json'), '{"imports":{"#h":"./bin/h.mjs"}}');
    writeFileSync(join(project, 'bin/h.mjs'), '');
    const words = [process.execPath, join(project, 'node_modules/secfilter/dist/secfilt.cjs')];
    const env = { NODE_OPTIONS: options };
    const inside = await run([...words, `--write-allow=${project}`, 'touch', 'made'], { cwd: project, env });
    assert.equal(inside.code, 125);
    assert.match(
      inside.stderr,
      /^secfilt: NODE_OPTIONS: ".*" makes secfilt load what the command could change: start without it/,
    );
    assert.ok(!existsSync(join(project, 'made')));
    const elsewhere = await run([...words, `--write-allow=${join(project, 'src')}`, 'true'], {
      cwd: project,
      env,
    });
    assert.deepEqual([elsewhere.code, elsewhere.stderr], [0, '']);
  });
}
