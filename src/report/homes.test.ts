import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { homeDirectories } from './homes.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'homes-')));
after(() => rmSync(root, { recursive: true }));

function homes(home: string | undefined, passwd = ''): string[] {
  const file = join(root, 'passwd');
  writeFileSync(file, passwd, 'latin1');
  return homeDirectories({ HOME: home }, file).map((path) => path.toString('latin1'));
}

void test('S09 homeDirectories() knows the homes of those who log in, and this one, by both names of it', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync('real', join(root, 'link'));
  assert.deepEqual(homes(`${root}/link//`), [`${root}/link`, `${root}/real`]);
  const passwd =
    'root:x:0:0::/nowhere/root:/bin/sh\nbroken\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\njenkins:x:9:9::/nowhere/j\xff:\nno:x:8:8::/:/bin/sh\n';
  assert.deepEqual(homes(undefined, passwd), ['/nowhere/root', '/nowhere/j\xff']);
  assert.deepEqual(homes('relative'), []);
  assert.deepEqual(homes('/'), []);
  assert.deepEqual(homes('/nowhere/é'), [Buffer.from('/nowhere/é').toString('latin1')]);
  assert.deepEqual(homeDirectories({}, '/nowhere/passwd'), []);
});

void test('S09 homeDirectories() knows a home that is no UTF-8', () => {
  const module = JSON.stringify(new URL('homes.js', import.meta.url).href);
  const script = `import { homeDirectories } from ${module};
    console.log(homeDirectories(process.env, '/nowhere').map((path) => path.toString('hex')).join());`;
  const shell = `HOME=$'/nowhere/\\xff' exec "$0" --input-type=module -e "$1"`;
  const output = execFileSync('bash', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
  assert.equal(output, `${Buffer.from('/nowhere/\xff', 'latin1').toString('hex')}\n`);
});
