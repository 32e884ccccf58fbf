/** What is refused for what it is, by number and registers, is refused and told: in the log once, in the summary with its count. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

/** Call, and Python that makes it; each must be refused with EPERM. */
const CALLS: readonly (readonly [call: string, how: string])[] = [
  ['chroot', `sc(161, '/')`],
  ['mount', `sc(165, 'none', '/', 'tmpfs', 0, 0)`],
  ['umount2', `sc(166, '/', 0)`],
  ['unshare', 'sc(272, 0x10000000)'],
  ['clone', 'sc(56, 0x10000011, 0, 0, 0, 0)'],
  ['personality', 'sc(135, 8)'],
  ['prctl', 'sc(157, 4, 0)'],
  ['keyctl', 'sc(250, 0, -3, 0)'],
  ['bpf', 'sc(321, 0, 0, 0)'],
  ['process_vm_writev', 'sc(311, os.getppid(), 0, 0, 0, 0, 0)'],
  ['mknod', `sc(133, ROOT + '/a/node', 0x21b6, 0x103)`],
  ['move_pages', 'sc(279, 1, 0, 0, 0, 0, 0)'],
];
const SCRIPT = `print(json.dumps({${CALLS.map(([call, how]) => `'${call}': [${how} for _ in range(20)]`).join(', ')}}))`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`refusals for what a call is are told, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const ground = makeGround(t);
      const log = join(ground.root, 'log');
      const inside = async (...options: string[]) =>
        run(
          secfiltWords([
            ...engine.options,
            ...options,
            `--write-allow=${ground.a}`,
            '--',
            ...python(SCRIPT, ground.root),
          ]),
          { cwd: ground.a, env: backing.env },
        );
      const { code, stdout, stderr } = await inside(`--log=${log}`);
      assert.equal(code, 0, stderr);
      for (const [call, results] of Object.entries<number[]>(JSON.parse(stdout)))
        assert.deepEqual(new Set(results), new Set([-1]), call);
      const count = 20 * CALLS.length;
      const lines = stderr.split('\n');
      assert.ok(
        lines.some((line) =>
          /^secfilt: \d+ operations were refused \(secfilt -v shows them\)$/.test(line)
            ? Number(/\d+/.exec(line)?.[0]) >= count
            : false,
        ),
        stderr,
      );
      const logged = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"layer":"filter"'))
        .map((line) => /"call":"(\w+)"/.exec(line)?.[1] ?? '');
      for (const [call] of CALLS)
        if (call !== 'mknod')
          assert.equal(logged.filter((other) => other === call).length, 1, `${call} is logged once`);
      const verbose = await inside('-v');
      for (const [call] of CALLS) assert.match(verbose.stderr, new RegExp(`\\(${call}: EPERM\\)`));
      const quiet = await inside('--quiet');
      assert.equal(quiet.stderr, '');
    });
  }
}
