/**
 * Escape tests: an attack is first run without a sandbox, where it must work, and then inside, where it must not. What
 * happened is seen from outside, in the ground it was run on, never taken from what the attack says.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { type Backing, backings } from './backing.ts';
import { testEngine, who } from './environment.ts';
import { PRELUDE } from './python.ts';
import { type Outcome, run, type RunOptions, secfiltWords } from './run.ts';
import { temporaryDirectory } from './temporary.ts';

/** The engines that supervise. Another one is a line here. With one chosen from outside it is that one. */
export const engines: readonly { readonly name: string; readonly options: readonly string[] }[] = [
  { name: 'notify', options: ['--engine=notify'] },
  { name: 'trace', options: ['--engine=trace'] },
].filter(({ name }) => testEngine === undefined || name === (testEngine === 'auto' ? 'notify' : testEngine));

/** A directory with `a`, where changes are allowed, and `o`, where they are not; `o/f` holds "kept". */
export interface Ground {
  readonly root: string;
  readonly a: string;
  readonly o: string;
}

export interface Attack {
  /** Its numbers in docs/threat-model.md. */
  readonly id: string;
  readonly title: string;
  /** Python. It has `ROOT` and what python.ts defines. */
  readonly script: string;
  readonly prepare?: (ground: Ground, t: TestContext) => void | Promise<void>;
  /** Options of secfilt; as a rule changes are allowed in `a`. */
  readonly policy?: (ground: Ground) => readonly string[];
  /** Whether the attack worked. As a rule: whether `o` is not as it was. */
  readonly worked?: (ground: Ground, outcome: Outcome) => boolean;
  /** What else must hold inside, such as the allowed side of it. */
  readonly inside?: (ground: Ground, outcome: Outcome) => void;
  /**
   * Python that runs around the attack and its sandbox, if something is to be handed in or to be there before: it has
   * `ROOT`, and `WORDS`, which start it.
   */
  readonly outside?: string;
  /** Why the attack does not work without a sandbox either, as things are here. */
  readonly natively?: string;
  /** Told what came of it natively where it did not work: what this machine lacks, or undefined for a fault. */
  readonly lacking?: (outcome: Outcome) => string | undefined;
  readonly env?: RunOptions['env'];
  readonly stdio?: RunOptions['stdio'];
  readonly timeout?: number;
}

const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

export function python(script: string, ...words: string[]): [string, ...string[]] {
  return [PYTHON, '-c', `${PRELUDE}\n${script}`, ...words];
}

export function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  const ground = { root, a: join(root, 'a'), o: join(root, 'o') };
  for (const folder of [ground.a, ground.o]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'f'), 'kept');
  }
  return ground;
}

function isTouched({ o }: Ground): boolean {
  return !existsSync(join(o, 'f')) || readFileSync(join(o, 'f'), 'latin1') !== 'kept';
}

/** The attack natively, and inside under every engine, with Landlock and without. */
export function attackTest(attack: Attack): void {
  const { id, title, worked = isTouched, policy = ({ a }: Ground) => [`--write-allow=${a}`] } = attack;
  const perform = async (
    t: TestContext,
    sandbox: ((ground: Ground) => string[]) | undefined,
    env: RunOptions['env'],
  ) => {
    const ground = makeGround(t);
    await attack.prepare?.(ground, t);
    const script = python(attack.script, ground.root);
    const words = sandbox === undefined ? script : secfiltWords([...sandbox(ground), '--', ...script]);
    const outcome = await run(
      attack.outside === undefined
        ? words
        : python(`WORDS = sys.argv[2:]\n${attack.outside}`, ground.root, ...words),
      {
        cwd: ground.a,
        env: { ...attack.env, ...env },
        timeout: attack.timeout ?? 30_000,
        ...(attack.stdio === undefined ? {} : { stdio: attack.stdio }),
      },
    );
    return { ground, outcome };
  };

  void test(`${id} ${title}: works without a sandbox (${who})`, async (t) => {
    if (attack.natively !== undefined) return t.skip(attack.natively);
    const { ground, outcome } = await perform(t, undefined, {});
    const lacks = worked(ground, outcome) ? undefined : attack.lacking?.(outcome);
    if (lacks !== undefined) return t.skip(lacks);
    assert.ok(worked(ground, outcome), `the attack must work natively: ${JSON.stringify(outcome)}`);
  });
  for (const engine of engines) {
    for (const backing of backings) {
      void test(`${id} ${title}: held by ${engine.name} ${backing.name} (${who})`, async (t) => {
        const { ground, outcome } = await perform(
          t,
          (made) => [...engine.options, ...policy(made)],
          backing.env,
        );
        assert.ok(!worked(ground, outcome), `it escaped: ${JSON.stringify(outcome)}`);
        attack.inside?.(ground, outcome);
      });
    }
  }
}

/** Runs a script inside, under every engine, with Landlock and without. */
export function insideTest(
  title: string,
  script: string,
  check: (outcome: Outcome, engine: string, backing: Backing) => void,
  more: {
    readonly policy?: (ground: Ground) => readonly string[];
    readonly env?: RunOptions['env'];
    readonly skip?: string | undefined;
  } = {},
): void {
  for (const engine of engines) {
    for (const backing of backings) {
      void test(`${title}, ${engine.name} ${backing.name} (${who})`, async (t) => {
        if (more.skip !== undefined) return t.skip(more.skip);
        const ground = makeGround(t);
        const options = [...engine.options, ...(more.policy?.(ground) ?? [`--write-allow=${ground.a}`])];
        const outcome = await run(secfiltWords([...options, '--', ...python(script, ground.root)]), {
          cwd: ground.a,
          env: { ...more.env, ...backing.env },
        });
        check(outcome, engine.name, backing);
      });
    }
  }
}

/** What a script printed as JSON, when it ended well. */
export function saidBy(outcome: Outcome): Record<string, number> {
  assert.equal(outcome.code, 0, JSON.stringify(outcome));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is in the same file
  return JSON.parse(outcome.stdout) as Record<string, number>;
}
