/**
 * What npm packs, installed as npm installs it: the command runs from a directory with spaces, by links, by npm exec.
 */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot, testEngine, who } from '../support/environment.ts';
import { run, type RunOptions } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

interface Manifest {
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

const NPM = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];

void test(`the packed package installs and runs (${who})`, async (t) => {
  if (testEngine === 'trace') return t.skip('nothing in it is of an engine');
  if ((await run(['npm', '--version'])).code !== 0) return t.skip('npm is not installed');
  const root = temporaryDirectory(t);
  const env = { HOME: root, npm_config_cache: join(root, 'cache'), npm_config_userconfig: '/dev/null' };
  const source = join(root, 'source');
  copyPackage(source);
  const options = { cwd: root, env, timeout: 120_000 };
  const packed = await run(['npm', 'pack', '--ignore-scripts', '--silent', source], options);
  assert.equal(packed.code, 0, packed.stderr);
  const tarball = join(root, packed.stdout.trim());

  const prefix = join(root, 'with spaces, "quotes" and $x');
  const installed = await run(['npm', 'install', '-g', ...NPM, '--prefix', prefix, tarball], options);
  assert.equal(installed.code, 0, installed.stderr + installed.stdout);
  const command = join(prefix, 'bin/secfilt');
  const linked = join(root, 'link');
  symlinkSync('another link', linked);
  symlinkSync(command, join(root, 'another link'));
  for (const [words, cwd] of [
    [[command], root],
    [['./secfilt'], join(prefix, 'bin')],
    [[linked], root],
    [['env', `PATH=${join(prefix, 'bin')}:${process.env['PATH'] ?? ''}`, 'secfilt'], root],
  ] as const) {
    const script = `! { echo x > '${join(root, 'new')}'; } 2> /dev/null`;
    for (const command of [['true'], ['bash', '-c', script]]) {
      const { code, stderr } = await run([...words, '--read-only', '--quiet', '--', ...command], {
        cwd,
        env,
      });
      assert.deepEqual([code, stderr], [0, ''], words.join(' '));
    }
  }
  assert.ok(!readdirSync(root).includes('new'), 'the file was not made');

  const project = join(root, 'a project');
  mkdirSync(project);
  writeFileSync(
    join(project, 'package.json'),
    '{"name":"p","version":"1.0.0","scripts":{"x":"secfilt --read-only true"}}',
  );
  const local = { ...options, cwd: project };
  const added = await run(['npm', 'install', ...NPM, tarball], local);
  assert.equal(added.code, 0, added.stderr + added.stdout);
  for (const words of [
    ['npx', '--offline', 'secfilt', '--read-only', '--', 'echo', 'runs'],
    ['npm', 'exec', '--offline', '--', 'secfilt', '--read-only', '--', 'echo', 'runs'],
  ]) {
    const { code, stdout, stderr } = await run(words, local);
    assert.deepEqual([code, stdout], [0, 'runs\n'], stderr);
  }
  const script = await run(['npm', 'run', '--silent', 'x'], local);
  assert.equal(script.code, 0, script.stderr);
  await importLibrary(project, local);
  await t.test('its types', async (t) => {
    if (!existsSync(compiler)) return t.skip('the compiler is not copied for an ordinary user');
    await checkTypes(project, local);
  });
});

const PROGRAM = `
const run = async () => {
  const sandbox = await Sandbox.start({ readOnly: true });
  const { exitCode, refused } = await sandbox.run('touch', ['new']);
  console.log(exitCode, refused.length);
  await sandbox.close();
};
run().catch((error) => { console.error(error); process.exit(2); });
`;

/** By its name, as both kinds of module. */
async function importLibrary(project: string, options: RunOptions): Promise<void> {
  const ways = {
    'a.mjs': "import { Sandbox } from 'secfilter';",
    'a.cjs': "const { Sandbox } = require('secfilter');",
    'b.cjs':
      "const Sandbox = { start: async (...words) => (await import('secfilter')).Sandbox.start(...words) };",
  };
  for (const [name, head] of Object.entries(ways)) {
    writeFileSync(join(project, name), head + PROGRAM);
    const { code, stdout, stderr } = await run([process.execPath, name], options);
    assert.deepEqual([code, stdout, stderr], [0, '1 1\n', ''], name);
  }
  const schema = "process.stdout.write(require('secfilter/policy.schema.json').title)";
  assert.equal((await run([process.execPath, '-e', schema], options)).stdout, 'A policy of secfilt');
}

const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');

/** What a program in TypeScript may write, and what it may not. */
const TYPED = `
async function typed(): Promise<void> {
  const policy: Policy = { write: { allow: ['.', new URL('file:///a')] }, network: { ports: [443, '8000-8010'] } };
  await using sandbox = await Sandbox.start(policy, {
    onRefused: (call, child) => { const text: string = call.operation + call.errno + child?.pid; void text; },
    ask: async (call) => (call.object.kind === 'path' && call.object.path === '/a' ? 'allow' : 'refuse'),
    signal: AbortSignal.timeout(1000),
  });
  // The overloads of node:child_process.
  const piped: import('node:child_process').ChildProcessWithoutNullStreams = sandbox.spawn('ls', ['-l']);
  const partly = sandbox.spawn('ls', [], { stdio: ['ignore', 'pipe', 'inherit'] });
  const out: import('node:stream').Readable = partly.stdout;
  const none: null = partly.stdin;
  const result = await sandbox.run('ls', ['-l'], { timeout: 1, input: 'x' });
  const text: string = result.stdout;
  const bytes: Buffer = (await sandbox.run('ls', { encoding: 'buffer' })).stdout;
  const [first]: readonly RefusedCall[] = result.refused;
  void [piped, out, none, text, bytes, first?.object.kind];
  try {
    await sandbox.run('false', [], { reject: true });
  } catch (error) {
    if (error instanceof RunError) void (error.exitCode satisfies number | null);
    if (error instanceof PolicyError) void (error.key satisfies string | undefined);
  }
  // @ts-expect-error a typing error
  await Sandbox.start({ readOnyl: true });
  // @ts-expect-error a word that is none
  await Sandbox.start({ network: 'off' });
  // @ts-expect-error not a list
  await Sandbox.start({ write: { allow: '.' } });
}
void typed;
`;

async function checkTypes(project: string, options: RunOptions): Promise<void> {
  const names = 'PolicyError, RunError, Sandbox, type Policy, type RefusedCall';
  writeFileSync(join(project, 'typed.mts'), `import { ${names} } from 'secfilter';${TYPED}`);
  writeFileSync(join(project, 'typed.cts'), `import { ${names} } from 'secfilter';${TYPED}`);
  for (const name of ['@types', 'undici-types'])
    symlinkSync(join(projectRoot, 'node_modules', name), join(project, 'node_modules', name));
  const settings = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
    '--types',
    'node',
  ];
  for (const [module, files] of [
    ['nodenext', ['typed.mts', 'typed.cts']],
    ['node16', ['typed.mts', 'typed.cts']],
    ['preserve', ['typed.mts']],
  ] as const) {
    const words = [...settings, '--lib', 'es2022,esnext.disposable', '--module', module, ...files];
    const { code, stdout } = await run([process.execPath, compiler, ...words], options);
    assert.deepEqual([stdout, code], ['', 0], module);
  }
}

/** The package with its dependencies bundled, so that no registry is asked. */
function copyPackage(target: string): void {
  const manifest: Manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  // LICENSE is not in the copy that another user tests.
  for (const name of manifest.files) {
    if (!existsSync(join(projectRoot, name))) continue;
    cpSync(join(projectRoot, name), join(target, name), {
      recursive: true,
    });
  }
  const names = Object.keys(manifest.dependencies);
  for (const name of [...names, '@koromix'])
    cpSync(join(projectRoot, 'node_modules', name), join(target, 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  writeFileSync(
    join(target, 'package.json'),
    JSON.stringify({ ...manifest, scripts: {}, devDependencies: {}, bundleDependencies: names }),
  );
}
