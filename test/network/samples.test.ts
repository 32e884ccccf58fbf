/** The samples that name hosts: each reaches the host that it names, and asks about no other. The truth is what arrives outside. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot, who } from '../support/environment.ts';
import { engines } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { sharedNamedNetwork, OTHER } from './resolver.ts';

/** Which name and port of the sample stand for those of the test's network. */
const STAND_INS = [
  ['agent.conf', 'registry.example:443'],
  ['agent.json', 'registry.example:443'],
  ['npm-install.conf', 'registry.example:443'],
  ['ssh-one-host.conf', 'host.example:22'],
] as const;

void test(`samples that name a host allow that host (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, '.npm'));
  for (const { options } of engines)
    for (const [name, host] of STAND_INS) {
      const text = readFileSync(join(projectRoot, 'samples', name), 'utf8');
      assert.ok(text.includes(host), name);
      const config = join(folder, name);
      writeFileSync(
        config,
        text
          .replace(`#allowed-hosts=${host}`, `allowed-hosts=${host}`)
          .replaceAll(host, 'allowed.example:80'),
      );
      const shell = `curl -sS http://allowed.example/; for it in forbidden.example ${OTHER}:2222 allowed.example:2222; do curl -s http://$it/ && echo reached; done; :`;
      const words = secfiltWords(['--quiet', ...options, `--config=${config}`, '--', 'sh', '-c', shell]);
      const place = { cwd: folder, env: { HOME: folder, PWD: folder } };
      const { stdout, stderr } = await run([...named.network.inside, ...words], place);
      assert.equal(stdout, 'hello\n', `${name}: ${stderr}`);
      const arrived = await named.arrived();
      assert.ok(!arrived.some((line) => /forbidden|2222/.test(line)), arrived.join('\n'));
    }
});
