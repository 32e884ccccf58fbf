/** `--learn` where names are looked up: what it writes is about names, and the same command runs under it. The truth is what arrives outside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { engines } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { NEIGHBOUR, WORLD } from './namespaces.ts';
import { sharedNamedNetwork, OTHER } from './resolver.ts';

const COMMAND = `set -e
curl -sS http://allowed.example/
curl -sS http://allowed.example:2222/
getent hosts www.zone.example | cut -c1-11
curl -sS http://inner.example/
curl -sS http://${OTHER}:2222/
! getent hosts nowhere.example`;

void test(`names are learned, with their ports, and the command runs again (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  for (const { name, options } of engines) {
    const file = join(temporaryDirectory(t), 'learned.conf');
    const secfilt = (words: readonly string[], shell: string): ReturnType<typeof run> =>
      run([...named.network.inside, ...secfiltWords([...options, ...words, '--', 'sh', '-c', shell])]);
    const learned = await secfilt([`--learn=${file}`], COMMAND);
    assert.deepEqual([learned.code, learned.stdout], [0, `hello\nhello\n${WORLD}\nhello\nhello\n`], name);
    const text = readFileSync(file, 'utf8');
    const rules = text.split('\n').filter((line) => /^[a-z]/.test(line));
    assert.deepEqual(
      rules,
      [
        'read-only=1',
        'allowed-hosts=allowed.example:80,2222',
        // Nothing was sent to it after it was looked up.
        'allowed-hosts=www.zone.example:9/udp',
        'allowed-hosts=inner.example:80@private',
        `allowed-netmasks=${OTHER}`,
        'allowed-ports=2222',
      ],
      text,
    );
    await named.arrived();
    const again = await secfilt([`--config=${file}`], COMMAND);
    assert.deepEqual([again.code, again.stdout], [0, learned.stdout], `${name}: ${again.stderr}\n${text}`);
    assert.ok(!(await named.arrived()).some((line) => line.includes('nowhere')), 'a question left');
    const more = `curl -s http://forbidden.example/; curl -s http://${NEIGHBOUR}:2222/; curl -s http://www.zone.example:2222/; :`;
    await secfilt([`--config=${file}`], more);
    const arrived = await named.arrived();
    assert.ok(!arrived.some((line) => /forbidden|192\.168\.1\.2 2222/.test(line)), arrived.join('\n'));
  }
});
