/**
 * The caller's environment and working directory: what makes Node load code runs in the command, never in the
 * supervisor.
 */
import assert from 'node:assert/strict';
import { type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { test, type TestContext } from 'node:test';

import { projectRoot, secfiltScript } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Says into which processes it was loaded, and stays loaded for as long as they run. */
const PRELOAD = `require('node:fs').appendFileSync(__dirname + '/loaded', process.pid + ' ' + process.argv[1] + '\\n');
setTimeout(() => require('node:fs').appendFileSync(__dirname + '/survived', process.pid + '\\n'), 150).unref();`;

/** Prints its environment, after a while. */
const COMMAND = `setTimeout(() => console.log(JSON.stringify({ options: process.env.NODE_OPTIONS, path: process.env.NODE_PATH, library: process.env.LD_LIBRARY_PATH,
  carried: Object.keys(process.env).filter((name) => name.startsWith('SECFILTER_')) })), 400)`;

function ground(t: TestContext): string {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'preload.cjs'), PRELOAD);
  // What a project could put in the way of modules and configuration.
  for (const name of ['koffi', 'ipaddr.js', '@koromix/koffi-linux-x64']) {
    mkdirSync(join(root, 'node_modules', name), { recursive: true });
    writeFileSync(join(root, 'node_modules', name, 'index.js'), PRELOAD);
  }
  for (const name of ['.npmrc', '.noderc', 'node.config.json', '.env', 'secfilt.conf', '.secfiltrc']) {
    writeFileSync(join(root, name), '{"nodeOptions":{"require":["./preload.cjs"]}}\nno-outbound-network=0\n');
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  symlinkSync(secfiltScript, join(root, 'secfilt'));
  return root;
}

for (const [how, words] of [
  ['node dist/secfilt.cjs', [process.execPath, secfiltScript]],
  ['a link to it, as npx makes', ['./secfilt']],
] as const) {
  void test(`P37 code of NODE_OPTIONS and NODE_PATH does not stay in the supervisor: ${how}`, async (t) => {
    const root = ground(t);
    const options = `--require=${join(root, 'preload.cjs')}`;
    const path = join(root, 'node_modules');
    const outcome = await run([...words, `--write-allow=${root}`, '--', process.execPath, '-e', COMMAND], {
      cwd: root,
      env: { NODE_OPTIONS: options, NODE_PATH: path, LD_LIBRARY_PATH: root },
    });
    assert.equal(outcome.code, 0, JSON.stringify(outcome));
    assert.deepEqual(JSON.parse(outcome.stdout), { options, path, library: root, carried: [] });
    // Node runs it before we are asked; but that process has become another program, and only the command has it.
    const survived = readFileSync(join(root, 'survived'), 'utf8').trim().split('\n');
    assert.equal(survived.length, 1);
    const lines = readFileSync(join(root, 'loaded'), 'utf8').trim().split('\n');
    const command = lines.find((line) => line.endsWith('undefined'));
    assert.equal(command?.split(' ')[0], survived[0]);
  });
}

void test('P37 node_modules and configuration of the working directory are not read', async (t) => {
  const root = ground(t);
  const outcome = await run(['./secfilt', '--read-only', '--', 'sh', '-c', 'echo x > made; echo done'], {
    cwd: root,
  });
  assert.equal(outcome.stdout, 'done\n');
  assert.ok(!existsSync(join(root, 'loaded')) && !existsSync(join(root, 'made')));
});

const BINARY = '@koromix/koffi-linux-x64/linux_x64/koffi.node';

/** Where the program lies, and its modules; beside all of it lies one that somebody else has put there. */
const LAYOUTS = [
  { how: 'in a checkout', program: 'p', modules: 'p/node_modules' },
  { how: 'in a checkout without modules', program: 'p', modules: undefined },
  { how: 'installed', program: 'node_modules/p', modules: 'node_modules' },
] as const;

for (const { how, program, modules } of LAYOUTS) {
  void test(`P37 native code is loaded from the modules of secfilt alone: ${how}`, async (t) => {
    const root = temporaryDirectory(t);
    const own = join(projectRoot, 'node_modules');
    cpSync(join(projectRoot, 'dist'), join(root, program, 'dist'), { recursive: true });
    for (const name of modules === undefined ? [] : ['@koromix', 'koffi'])
      cpSync(join(own, name), join(root, modules ?? '', name), { recursive: true });
    cpSync(join(own, BINARY), join(root, BINARY));
    const script = join(root, program, 'dist/secfilt.cjs');
    // The dynamic linker says what is loaded (ld.so(8)).
    const outcome = await run([process.execPath, script, '--', 'true'], { env: { LD_DEBUG: 'files' } });
    if (!outcome.stderr.includes('file=')) return t.skip('this dynamic linker does not tell');
    const loaded = [...outcome.stderr.matchAll(/file=(\S*koffi\.node)/g)].map(([, path]) =>
      normalize(path ?? ''),
    );
    assert.ok(!loaded.includes(join(root, BINARY)), loaded.join(' '));
    // Without modules of its own Node may find some further up.
    if (modules === undefined) return;
    assert.equal(outcome.code, 0);
    assert.deepEqual([...new Set(loaded)], [join(root, modules, BINARY)]);
  });
}

void test('P37 bytes and standard streams survive the fresh start', async (t) => {
  const root = ground(t);
  const outcome = await run(
    [
      'sh',
      '-c',
      `"$@" "$(printf '\\377\\376')" <&0`,
      'sh',
      process.execPath,
      secfiltScript,
      '--read-only',
      '--',
      'sh',
      '-c',
      'cat; printf %s "$1" | od -An -tx1; echo to stderr >&2; exit 9',
      'sh',
    ],
    { cwd: root, env: { NODE_OPTIONS: '--no-warnings' }, stdin: 'from stdin\n' },
  );
  assert.deepEqual(outcome, { code: 9, signal: null, stdout: 'from stdin\n ff fe\n', stderr: 'to stderr\n' });
});

void test('P37 a descriptor that the command line names survives the fresh start', async (t) => {
  const root = ground(t);
  const script = `"$0" "$1" --log=3 --config=/dev/fd/4 -- sh -c 'echo x > made' 3> log 4< conf; cat log`;
  writeFileSync(join(root, 'conf'), 'read-only=1\n');
  const outcome = await run(['sh', '-c', script, process.execPath, secfiltScript], {
    cwd: root,
    env: { NODE_OPTIONS: '--no-warnings' },
  });
  assert.match(outcome.stdout, /^\{.*"call":"openat".*\/made".*\}\n$/, JSON.stringify(outcome));
  assert.ok(!existsSync(join(root, 'made')));
});

function isListenedAt(child: ChildProcess, port: number): boolean {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const table = readFileSync(`/proc/${child.pid}/net/tcp`, 'utf8');
  return table.split('\n').some((line) => line.includes(`:${hexadecimal} `) && line.includes(' 0A '));
}

for (const [how, words, env] of [
  ['NODE_OPTIONS=--inspect', [process.execPath], { NODE_OPTIONS: '--inspect=127.0.0.1:39229' }],
  ['node --inspect', [process.execPath, '--inspect=127.0.0.1:39229'], {}],
] as const) {
  void test(`K4 P37 the inspector is closed before the command starts, and no signal opens it: ${how}`, async () => {
    const script = `trap 'echo heard' USR1; echo ready; until read line; do :; done; exit 3`;
    const child = start([...words, secfiltScript, '--read-only', '--', 'sh', '-c', script], { env });
    const said = () =>
      new Promise<void>((resolve, reject) => {
        child.stdout?.once('data', () => resolve());
        child.once('close', () => reject(new Error('it ended')));
      });
    await said();
    assert.equal(isListenedAt(child, 39229), false);
    const heard = said();
    child.kill('SIGUSR1');
    // It is the command's, as are all.
    await heard;
    assert.deepEqual([isListenedAt(child, 39229), isListenedAt(child, 9229)], [false, false]);
    child.stdin?.end('\n');
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 3);
  });
}
