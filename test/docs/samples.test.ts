/**
 * The sample config files: each is understood, and holds what its comments say.
 */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { projectRoot, who } from '../support/environment.ts';
import { type Outcome, secfilt } from '../support/run.ts';
import { isInstalled } from './installed.ts';

const samples = join(projectRoot, 'samples');

/**
 * What a sample is to allow: changes of the project, reading the keys of ssh, and connections to a port of this machine that it does
 * not name. None allows to plant a hook or to read other secrets.
 */
interface Expected {
  readonly project: boolean;
  readonly keys: boolean;
  readonly loopback: boolean;
}

const expected: Readonly<Record<string, Expected>> = {
  'agent.conf': { project: true, keys: false, loopback: false },
  'agent.json': { project: true, keys: false, loopback: false },
  'npm-install.conf': { project: true, keys: false, loopback: false },
  'build.conf': { project: true, keys: false, loopback: false },
  'ssh-one-host.conf': { project: false, keys: true, loopback: false },
  'resolver.conf': { project: false, keys: false, loopback: true },
};

interface Place {
  readonly home: string;
  readonly project: string;
}

/** Not below /tmp, which some samples allow. */
function makePlace(t: TestContext): Place {
  const home = realpathSync(mkdtempSync('/var/tmp/sf-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const project = join(home, 'project');
  for (const path of [project, join(home, '.npm'), join(home, '.ssh'), join(home, '.aws')]) mkdirSync(path);
  mkdirSync(join(project, '.git/hooks'), { recursive: true });
  for (const path of ['.ssh/id', '.aws/credentials', '.gitconfig']) writeFileSync(join(home, path), 'x\n');
  return { home, project };
}

function runSample(config: string, words: readonly string[], { home, project }: Place): Promise<Outcome> {
  return secfilt([`--config=${config}`, '--', ...words], {
    cwd: project,
    env: { HOME: home, PWD: project, SSH_AUTH_SOCK: undefined },
  });
}

async function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.end('hello\n'));
  t.after(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}

const ATTEMPTS = String.raw`
{ echo x > "$PWD/new"; } 2> /dev/null && echo project
{ echo x > "$HOME/new"; } 2> /dev/null && echo home
{ echo x > "$HOME/.ssh/config"; } 2> /dev/null && echo settings
{ echo x > .git/hooks/pre-commit; } 2> /dev/null && echo hook
{ read -r word < "$HOME/.gitconfig"; } 2> /dev/null && echo read
{ read -r word < "$HOME/.ssh/id"; } 2> /dev/null && echo keys
{ read -r word < "$HOME/.aws/credentials"; } 2> /dev/null && echo tokens
{ exec 3<> /dev/tcp/127.0.0.1/$1; } 2> /dev/null && read -ru 3 word && echo "loopback $word"
:
`;

void test('every sample is expected to do something', () => {
  const names = readdirSync(samples).filter((name) => /\.(?:conf|json)$/.test(name));
  assert.deepEqual(names.toSorted(), Object.keys(expected).toSorted());
});

for (const [name, { project, keys, loopback }] of Object.entries(expected)) {
  void test(`${name} allows what it says (${who})`, async (t) => {
    const place = makePlace(t);
    const words = ['bash', '-c', ATTEMPTS, 'bash', String(await listen(t))];
    const { code, stdout, stderr } = await runSample(join(samples, name), words, place);
    const allowed = [
      ...(project ? ['project'] : []),
      'read',
      ...(keys ? ['keys'] : []),
      ...(loopback ? ['loopback hello'] : []),
    ];
    assert.deepEqual([stdout.split('\n').slice(0, -1), code], [allowed, 0], stderr);
  });

  if (name.endsWith('.json')) continue;
  void test(`what is commented out in ${name} is understood too`, async (t) => {
    const place = makePlace(t);
    const text = readFileSync(join(samples, name), 'utf8')
      .replaceAll(/^#(?=[a-z-]+=)/gm, '')
      .replaceAll('$SSH_AUTH_SOCK', '$HOME/agent')
      .replaceAll(/=\/(?:run|var)\/\S*\//g, '=~/');
    mkdirSync(join(place.home, '.cache'));
    const file = join(place.home, name);
    writeFileSync(file, text);
    const { code, stderr } = await runSample(file, ['true'], place);
    assert.deepEqual([code, stderr], [0, '']);
  });
}

void test('the one host of ssh-one-host.conf is reached on its port only', async (t) => {
  const place = makePlace(t);
  const [port, other] = [await listen(t), await listen(t)];
  const file = join(place.home, 'ssh.conf');
  const text = readFileSync(join(samples, 'ssh-one-host.conf'), 'utf8');
  writeFileSync(
    file,
    text.replace('netmasks=192.168.1.2', 'netmasks=127.0.0.1').replace('ports=22', `ports=${port}`),
  );
  const run = (to: number): Promise<Outcome> =>
    runSample(file, ['bash', '-c', ATTEMPTS, 'bash', String(to)], place);
  assert.equal((await run(port)).stdout, 'read\nkeys\nloopback hello\n');
  assert.equal((await run(other)).stdout, 'read\nkeys\n');
});

void test(`an install script under npm-install.conf (${who})`, async (t) => {
  if (!isInstalled('npm')) return t.skip('npm is not installed');
  const place = makePlace(t);
  const script =
    'echo x > built; cat "$HOME/.ssh/id" > stolen; { echo x > .git/hooks/a; } || echo x > "$HOME/.ssh/config" || echo x > kept-out';
  writeFileSync(
    join(place.project, 'package.json'),
    JSON.stringify({ name: 'x', scripts: { install: script } }),
  );
  const words = ['npm', 'install', '--offline', '--no-audit', '--no-fund'];
  const { code, stderr } = await runSample(join(samples, 'npm-install.conf'), words, place);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(join(place.home, '.ssh')), ['id']);
  assert.equal(readFileSync(join(place.project, 'stolen'), 'utf8'), '');
  assert.deepEqual(readdirSync(join(place.project, '.git/hooks')), []);
  assert.deepEqual(readdirSync(place.project).toSorted(), [
    '.git',
    'built',
    'kept-out',
    'package-lock.json',
    'package.json',
    'stolen',
  ]);
});
