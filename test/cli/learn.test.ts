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
