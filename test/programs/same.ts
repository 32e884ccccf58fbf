/**
 * Runs a script in an allowed directory with and without secfilt: output, exit code and what it leaves must be the same.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { type Backing, forEachBacking } from '../support/backing.ts';
import { throughClient } from '../support/client.ts';
import { isRoot, who } from '../support/environment.ts';
import { type Outcome, run } from '../support/run.ts';
import { shell } from '../support/shell.ts';
import { snapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

export interface Program {
  readonly name: string;
  /** Words that must be found in PATH. */
  readonly needs: readonly string[];
  /** Bash that succeeds where the program can be used, if being in PATH says too little. */
  readonly works?: string;
  readonly rootOnly?: boolean;
  /** It opens a terminal to have it as its controlling one, which a service's sandbox does not get by that (docs/engines.md). */
  readonly takesTerminal?: boolean;
  /** Long for what it shows: as the machine is, not once more without Landlock. */
  readonly once?: boolean;
  /** Options of secfilt beside those that allow the directory. */
  readonly policy?: readonly string[];
  /** Bash, run in an empty directory which is $PWD and HOME. */
  readonly script: string;
  /** Files that differ from one run to the next are left out: part of their names. */
  readonly volatile?: RegExp;
  /** Paths that the program needs beside its directory. */
  readonly alsoAllow?: readonly string[];
  /** Bash that tries to change the directory above, and must be refused. */
  readonly outside?: string;
  readonly timeout?: number;
}

const AS_IT_IS: Backing = { name: 'as it is', landlock: true, env: {} };

/** Programs know no sandbox: these settings only keep them from asking the machine who runs them. */
const ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z',
  PYTHONDONTWRITEBYTECODE: undefined,
  npm_config_userconfig: '/dev/null',
  npm_config_update_notifier: 'false',
  npm_config_offline: 'true',
  MAKEFLAGS: undefined,
};

/** The first of some words that is not in PATH. */
export async function missing(needs: readonly string[]): Promise<string | undefined> {
  for (const need of needs) {
    const { code } = await run(['bash', '-c', 'command -v "$1"', 'bash', need]);
    if (code !== 0) return need;
  }
  return undefined;
}

/** Why the program cannot be tried here. */
async function obstacle({ needs, works, rootOnly, takesTerminal }: Program): Promise<string | undefined> {
  if (rootOnly === true && !isRoot) return 'only root can';
  if (takesTerminal === true && throughClient) return 'an open takes no terminal in a service';
  const lacks = await missing(needs);
  if (lacks !== undefined) return `${lacks} is not installed`;
  if (works === undefined) return undefined;
  const { code, stderr } = await run(['bash', '-c', works]);
  return code === 0 ? undefined : `it does not work here: ${works}: ${stderr.trim().split('\n').at(-1)}`;
}

async function compare(t: TestContext, program: Program, backing: Backing): Promise<void> {
  const lacks = await obstacle(program);
  if (lacks !== undefined) {
    t.skip(lacks);
    return;
  }
  const root = temporaryDirectory(t);
  // A server of root's that works as another user gets through.
  chmodSync(root, 0o711);
  // Both run at the same path, one after the other, so that no path in the output differs.
  const directory = join(root, 'work');
  const options = {
    cwd: directory,
    env: { ...ENVIRONMENT, HOME: directory, TMPDIR: directory },
    timeout: program.timeout ?? 120_000,
  };
  const finish = (outcome: Outcome) => ({
    outcome,
    files: snapshot(directory).filter((line) => program.volatile?.test(line) !== true),
  });
  mkdirSync(directory);
  const native = finish(await run(['bash', '-c', program.script], options));
  assert.equal(native.outcome.code, 0, JSON.stringify(native.outcome));
  await run(['rm', '-rf', directory]);
  mkdirSync(directory);
  const inside = finish(
    await shell(program.script, [], {
      ...options,
      backing,
      allow: [directory, ...(program.alsoAllow ?? [])],
      policy: program.policy ?? [],
    }),
  );
  assert.deepEqual(inside.outcome, native.outcome);
  assert.deepEqual(inside.files, native.files);
}

async function refuse(t: TestContext, program: Program, backing: Backing): Promise<void> {
  const { outside } = program;
  if (outside === undefined || (await obstacle(program)) !== undefined) {
    t.skip('nothing to try here');
    return;
  }
  const root = temporaryDirectory(t);
  const allowed = join(root, 'allowed');
  const directory = join(root, 'work');
  mkdirSync(allowed);
  mkdirSync(directory);
  await run(['bash', '-c', 'echo one > f; echo two > g; mkdir d; echo {} > package.json'], {
    cwd: directory,
  });
  const before = snapshot(directory);
  const { code, stdout, stderr } = await shell(outside, [], {
    cwd: directory,
    env: { ...ENVIRONMENT, HOME: allowed, TMPDIR: allowed },
    backing,
    allow: [allowed],
  });
  assert.notEqual(code, 0, `${stdout}${stderr}`);
  assert.match(
    stdout + stderr,
    /Operation not permitted|EPERM|operation not permitted|unable to open database/,
  );
  assert.deepEqual(snapshot(directory), before);
}

export function programTests(programs: readonly Program[]): void {
  for (const program of programs) {
    const title = `${program.name} works as without secfilt (${who})`;
    if (program.once === true) void test(title, (t) => compare(t, program, AS_IT_IS));
    else forEachBacking(title, (t, backing) => compare(t, program, backing));
    if (program.outside !== undefined) {
      forEachBacking(`${program.name} is refused outside (${who})`, (t, backing) =>
        refuse(t, program, backing),
      );
    }
  }
}
