/** Programs that look names up, each with a resolver library of its own: natively, and inside with every engine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { engines } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type NamedNetwork, sharedNamedNetwork } from './resolver.ts';

export const ALLOWED = '--allowed-hosts=allowed.example:80,many.example';

export interface Program {
  readonly name: string;
  /** Makes what is run; undefined where what makes it is not installed. */
  readonly make?: (folder: string) => boolean;
  readonly words: (folder: string, name: string) => readonly string[];
}

/** Whether a compiler is there, and did its work. */
export const made = (
  file: string,
  words: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): boolean => spawnSync(file, words, { cwd, env: { ...process.env, ...env } }).status === 0;

/** Questions about the allowed name, connections to it and to the resolver. */
export const LEGAL =
  /^(?:question allowed\.example (?:1|28|65) (?:udp|tcp)|tcp (?:203\.0\.113\.5|2001:db8::5) 80|tcp 192\.168\.1\.2 53)$/;

export function native({ network }: NamedNetwork, words: readonly string[]): Promise<Outcome> {
  return run([...network.inside, ...words]);
}

export function inside(
  { network }: NamedNetwork,
  options: readonly string[],
  words: readonly string[],
): Promise<Outcome> {
  return run([...network.inside, ...secfiltWords(['--quiet', ...options, '--', ...words])]);
}

/** Exit code and output, whatever name is in it. */
function told({ code, stdout }: Outcome, name: string): readonly unknown[] {
  return [code, stdout.replaceAll(name, 'NAME')];
}

/** The program looks up what it may, and says of another name what it says of one that does not exist. */
export function lookUpTest(program: Program): void {
  void test(`${program.name} looks up what it may, and nothing else (${who})`, async (t) => {
    const named = await sharedNamedNetwork(t);
    if (named === undefined) return;
    const folder = temporaryDirectory(t);
    if (program.make?.(folder) === false) return t.skip('its compiler is not installed');
    const words = (name: string): readonly string[] => program.words(folder, name);
    const [good, unknown] = ['allowed.example', 'nowhere.example'] as const;
    const wanted = told(await native(named, words(good)), good);
    const refused = told(await native(named, words(unknown)), unknown);
    assert.equal(wanted[0], 0, String(wanted));
    await named.arrived();
    for (const { name, options } of engines) {
      const all = [...options, ALLOWED];
      assert.deepEqual(told(await inside(named, all, words(good)), good), wanted, name);
      assert.deepEqual(
        told(await inside(named, all, words('forbidden.example')), 'forbidden.example'),
        refused,
        name,
      );
    }
    const arrived = await named.arrived();
    assert.ok(arrived.length > 0);
    for (const line of arrived) assert.match(line, LEGAL, arrived.join('\n'));
  });
}
