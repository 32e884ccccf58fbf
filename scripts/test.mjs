// Builds the program and its tests, then runs the unit tests, the integration tests as the current user and, when that
// is root, the integration tests once more as an ordinary user; all integration tests once for each engine.
//   node scripts/test.mjs [--unit] [--built] [--only PATTERN]... [--engine NAME] [--slow] [--client]
// PATTERN is part of a test file's path, several mean any of them; --built: build/ and dist/ are already what is to be tested;
// --client: secfilt is a client of a service wherever a run says nothing but its policy (test/support/client.ts);
// --slow: also what lies in a folder slow/, which takes longer or needs more packages than every run of the suite should.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
/** The user "nobody" of every distribution: no files, no groups, no privileges. */
const NOBODY = { uid: 65534, gid: 65534 };
/** Fewer tests than these means that files were not found, which node --test calls a success. */
const FLOOR = { unit: 20, integration: 400 };

/** Engines to run the integration tests with. */
const ENGINES = ['auto', 'trace'];
/** Tests that name their engines themselves, or are about what no engine has a part in, run with the first only. */
const OF_NO_ENGINE = [
  'engines/',
  'service/',
  'library/ask',
  'library/host',
  'library/service',
  'docs/examples',
  'docs/generated',
  'docs/threat-model',
  'cli/advice',
  'cli/compile',
  'cli/descriptors',
  'cli/install',
  'cli/list-calls',
  'cli/usage',
];
const SLOW = '/slow/';
/** Tests that look at the process of secfilt itself, or put it where no service's client could be: not through a client. */
const OF_THE_COMMAND = [
  'engines/',
  'cli/',
  'docs/',
  'faults/',
  'fuzz/',
  'service/',
  'escapes/supervisor',
  'escapes/slow-memory',
  'escapes/interface-mounts',
  'escapes/process-numbers',
  'escapes/environment',
  'network/namespaces',
  'network/interfaces',
  'network/no-copies',
  'process/lifetime',
  'process/stops',
  'process/limits',
  'process/hidepid',
  'process/front',
  // The shell that chooses a client has another order of variables.
  'process/state',
];

/** Where programs are on every machine. */
const SYSTEM_FOLDERS = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'.split(':');

/** What the integration tests read, beside the run-time dependencies. */
const COPIED = ['build', 'dist', 'docs', 'samples', 'share', 'README.md', 'package.json'];

const { unitOnly, isBuilt, withSlow, withClient, patterns, engines } = readArguments(process.argv.slice(2));
const environment = { ...process.env };
for (const name of ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'NODE_TEST_CONTEXT', 'INIT_CWD'])
  delete environment[name];
// Started by npm: its settings (cache, prefix) are those of another user and another directory.
for (const name of Object.keys(environment)) if (/^npm_/i.test(name)) delete environment[name];

if (!isBuilt) {
  fs.rmSync(join(root, 'build'), { recursive: true, force: true });
  step('tsc', ['node_modules/typescript/bin/tsc']);
  step('the build', ['scripts/build.mjs']);
}

const runs = [await runTests('unit tests', 'build/src', FLOOR.unit)];
if (!unitOnly) {
  const isRoot = process.getuid() === 0;
  for (const engine of engines) {
    const user = isRoot ? 'root' : 'the current user';
    runs.push(
      await runTests(
        `integration tests as ${user}, engine ${engine}`,
        'build/test',
        FLOOR.integration,
        {},
        engine,
      ),
    );
    if (isRoot) runs.push(await runAsNobody(engine));
  }
  if (!isRoot)
    console.log('\n== integration tests as root: SKIPPED, because the tests were not started by root');
}
conclude();

function readArguments(words) {
  /** @type {{ unitOnly: boolean, isBuilt: boolean, withSlow: boolean, withClient: boolean, patterns: string[], engines: string[] }} */
  const result = {
    unitOnly: false,
    isBuilt: false,
    withSlow: false,
    withClient: false,
    patterns: [],
    engines: ENGINES,
  };
  for (let index = 0; index < words.length; index += 1) {
    if (words[index] === '--unit') result.unitOnly = true;
    else if (words[index] === '--built') result.isBuilt = true;
    else if (words[index] === '--slow') result.withSlow = true;
    // There is one engine that a service has.
    else if (words[index] === '--client') [result.withClient, result.engines] = [true, ['notify']];
    else if (words[index] === '--only' && words[index + 1]) result.patterns.push(words[(index += 1)]);
    else if (words[index] === '--engine' && words[index + 1]) result.engines = [words[(index += 1)]];
    else {
      const usage = 'test.mjs [--unit] [--built] [--only PATTERN]... [--engine NAME] [--slow] [--client]';
      console.error(`test: cannot understand "${words[index]}"; usage: ${usage}`);
      process.exit(2);
    }
  }
  return result;
}

function step(name, args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: environment });
  if (status === 0) return;
  console.error(`test: ${name} failed`);
  process.exit(1);
}

function isWanted(name) {
  return patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
}

/** Runs the test files below a folder; the counts are read from the reporter's closing summary. */
async function runTests(title, folder, floor, settings = {}, engine) {
  const { base = root, node = process.execPath, env = environment, ...options } = settings;
  console.log(`\n== ${title}`);
  const files = fs
    .readdirSync(join(base, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js') && isWanted(name))
    .filter((name) => withSlow || !name.includes(SLOW))
    .filter(
      (name) =>
        !withClient || engine === undefined || !OF_THE_COMMAND.some((start) => name.startsWith(start)),
    )
    .filter(
      (name) =>
        engine === undefined ||
        engine === engines[0] ||
        !OF_NO_ENGINE.some((start) => name.startsWith(start)),
    )
    .map((name) => join(folder, name))
    .toSorted();
  if (files.length === 0) return { title, floor, status: 0, counts: { tests: 0 }, skipped: [] };

  const args = ['--test', '--test-reporter=spec', '--test-concurrency=3', ...files];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const services =
    withClient && engine !== undefined ? await startServices(node, base, env, options) : undefined;
  const child = spawn(node, args, {
    cwd: base,
    env: engine === undefined ? env : { ...env, ...services?.env, SECFILTER_TEST_ENGINE: engine },
    stdio,
    ...options,
  });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (data) => {
    process.stdout.write(data);
    text += data;
  });
  const status = await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(signal ?? code));
  });
  await services?.end();
  const counts = {};
  for (const [, name, count] of text.matchAll(/^ℹ (tests|pass|fail|cancelled|skipped|todo) (\d+)$/gm)) {
    counts[name] = Number(count);
  }
  const skipped = [...text.matchAll(/^ *﹣ (.*)$/gm)].map(([, line]) => line);
  // What the reporter says once more of each that failed, after everything else.
  const failures = /^✖ failing tests:$([\s\S]*)/m.exec(text)?.[1].trim();
  return { title, floor, status, counts, skipped, failures };
}

/** The services whose clients the commands of the tests are, with Landlock and as without it. */
async function startServices(node, base, env, options) {
  const folder = fs.mkdtempSync(join(env.TMPDIR ?? '/tmp', 'secfilter-services-'));
  const [uid, gid] = [options.uid ?? process.getuid(), options.gid ?? process.getgid()];
  fs.chownSync(folder, uid, gid);
  const children = ['landlock', 'plain'].map((name) => {
    fs.mkdirSync(join(folder, name), { mode: 0o700 });
    fs.chownSync(join(folder, name), uid, gid);
    return spawn(
      node,
      [join(base, 'dist/secfilt.cjs'), `--serve=${join(folder, name, 'socket')}`, '--verbose'],
      {
        cwd: base,
        env: { ...env, ...(name === 'plain' && { SECFILTER_LANDLOCK: '0' }) },
        stdio: ['ignore', 'inherit', 'pipe'],
        ...options,
      },
    );
  });
  for (const { stderr } of children) {
    stderr.setEncoding('utf8');
    // All else is about single calls.
    stderr.on('data', (text) => {
      for (const line of text.match(/^secfilt: \d+ commands were started$/gm) ?? []) console.log(line);
    });
  }
  for (const child of children)
    child.on('exit', (code, signal) => {
      if (code !== 0) console.log(`a service has ended: ${signal ?? code}`);
    });
  for (let tries = 0; tries < 600 && fs.readdirSync(folder, { recursive: true }).length < 4; tries += 1)
    await new Promise((done) => setTimeout(done, 50));
  return {
    env: { SECFILTER_TEST_SERVICES: folder },
    end: async () => {
      for (const child of children) {
        child.kill('SIGTERM');
        if (child.exitCode === null) await new Promise((done) => child.on('close', done));
      }
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A clone may lie where only its owner can look, so what the tests need is copied to where everybody can. */
async function runAsNobody(engine) {
  const base = fs.mkdtempSync('/tmp/secfilter-');
  try {
    for (const name of [...COPIED, ...runtimeModules()]) {
      fs.mkdirSync(dirname(join(base, name)), { recursive: true });
      fs.cpSync(join(root, name), join(base, name), { recursive: true });
    }
    spawnSync('chmod', ['-R', 'a+rX', base], { stdio: 'inherit' });
    const node = nodeForAll(base);
    const HOME = join(base, 'home');
    const TMPDIR = join(base, 't');
    for (const folder of [HOME, TMPDIR]) {
      fs.mkdirSync(folder, { mode: 0o700 });
      fs.chownSync(folder, NOBODY.uid, NOBODY.gid);
    }
    const PATH = [dirname(node), ...SYSTEM_FOLDERS, ...foldersForAll()].join(':');
    const env = { ...environment, HOME, TMPDIR, PATH, USER: 'nobody', LOGNAME: 'nobody', SHELL: '/bin/sh' };
    // libuv gives up the supplementary groups along with the user.
    const title = `integration tests as an ordinary user, engine ${engine}`;
    const settings = { base, node, env, ...NOBODY };
    return await runTests(title, 'build/test', FLOOR.integration, settings, engine);
  } finally {
    fs.rmSync(base, { recursive: true, force: true });
  }
}

/** The run-time dependencies and what they bring along, read from the lock file. */
function runtimeModules() {
  const { packages } = JSON.parse(fs.readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.keys(packages).filter(
    (path) => path.startsWith('node_modules/') && !packages[path].dev && fs.existsSync(join(root, path)),
  );
}

/** This Node where the other user may execute it, else a copy of it. */
function nodeForAll(base) {
  if (spawnSync(process.execPath, ['--version'], { cwd: '/', ...NOBODY }).status === 0)
    return process.execPath;
  const copy = join(base, 'bin/node');
  fs.mkdirSync(dirname(copy));
  fs.copyFileSync(process.execPath, copy);
  fs.chmodSync(copy, 0o755);
  return copy;
}

/** Folders of the caller's PATH that the other user can look into: a compiler may lie in a place of its own. */
function foldersForAll() {
  const own = (environment.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const script = 'for folder; do if [ -x "$folder" ]; then echo "$folder"; fi; done';
  const { stdout } = spawnSync('/bin/sh', ['-c', script, 'sh', ...own], {
    cwd: '/',
    encoding: 'utf8',
    ...NOBODY,
  });
  return (stdout ?? '').split('\n').filter((folder) => folder !== '' && !SYSTEM_FOLDERS.includes(folder));
}

/** What was skipped, what was counted, and last, where the eye falls, what failed. */
function conclude() {
  console.log('\n== skipped');
  for (const { title, skipped } of runs)
    for (const line of skipped) console.log(`  skipped, ${title}: ${line}`);
  let failed = false;
  const lines = runs.map(({ title, floor, status, counts }) => {
    const ran = (counts.tests ?? 0) - (counts.skipped ?? 0);
    const problems = [];
    if (status !== 0) problems.push(`node --test ended with ${status}`);
    if (patterns.length === 0 && ran < floor)
      problems.push(`only ${ran} tests ran, at least ${floor} were expected`);
    if (problems.length > 0) failed = true;
    const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    return `${title}: ${words.join(', ')}${problems.map((problem) => `; FAILED: ${problem}`).join('')}`;
  });
  for (const { title, failures } of runs)
    if (failures !== undefined) console.log(`\n== what failed of the ${title}\n${failures}`);
  console.log(`\n== summary\n${lines.join('\n')}`);
  if (runs.every(({ counts }) => counts.tests === 0)) {
    const reason = patterns.length === 0 ? '' : `, no file matches "${patterns.join('", "')}"`;
    console.log(`FAILED: no test ran${reason}`);
    failed = true;
  }
  process.exit(failed ? 1 : 0);
}
