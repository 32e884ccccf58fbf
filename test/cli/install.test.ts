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
import { run } from '../support/run.ts';
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
});

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
