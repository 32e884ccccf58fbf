/**
 * Every shell example of the README and of docs/ does what the text says. Those of one document are run in order, in
 * one fresh home directory.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { projectRoot } from '../support/environment.ts';
import { type Outcome, run, type RunOptions, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Example, findExamples, matchesOutput } from './examples.ts';

const documents = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'), { encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'samples/README.md',
];

for (const document of documents) {
  const examples = findExamples(readFileSync(join(projectRoot, document), 'utf8'));
  if (examples.length === 0) continue;
  void test(`the examples of ${document}`, async (t) => {
    const place = makePlace(t);
    for (const example of examples) {
      await t.test(`${basename(document)}:${example.line} (${example.kind})`, async (t) => {
        if (example.skip !== undefined) return t.skip(example.skip);
        await runExample(example, place);
      });
    }
  });
}

void test('examples are found', () => {
  const markdown =
    'See `secfilt --read-only true`.\n```sh\ntrue\n```\n<!-- run: skip, why -->\n\n```\n$ a\n> b\nc\n```\n```js\nd\n```\n\n```text\ne\n```\n';
  assert.deepEqual(findExamples(markdown), [
    { line: 1, kind: 'command', skip: undefined, text: 'secfilt --read-only true' },
    { line: 2, kind: 'script', skip: undefined, text: 'true\n' },
    { line: 7, kind: 'transcript', skip: 'why', input: 'a\nb\n', output: ['c'] },
    { line: 12, kind: 'program', skip: undefined, text: 'd\n', output: ['e'] },
  ]);
  assert.throws(() => findExamples('```\nsecfilt true\n```\n'));
  assert.equal(matchesOutput(['a  b', '...', 'c…e'], ['a    b', 'x', 'y', 'cde']), true);
  assert.equal(matchesOutput(['a b'], ['a  b']), false);
  assert.equal(matchesOutput(['a'], ['a', 'b']), false);
  assert.equal(matchesOutput(['a', 'b'], ['a']), false);
});

/** What -v adds on such a kernel. */
const NO_LANDLOCK_PATTERN = /^secfilt: this kernel has no Landlock.*\n/m;

/** The home directory of the transcripts. */
const ANN = '/home/ann';

interface Place {
  readonly home: string;
  readonly options: RunOptions;
}

/** A home directory with a key and a project, in which copies of the samples and a place for hooks lie, and `secfilt` in the path. */
function makePlace(t: TestContext): Place {
  const base = temporaryDirectory(t);
  const home = join(base, 'home');
  const cwd = join(home, 'project');
  mkdirSync(join(cwd, '.git/hooks'), { recursive: true });
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh/id_ed25519'), 'a key\n');
  mkdirSync(join(base, 'bin'));
  for (const name of readdirSync(join(projectRoot, 'samples')).filter((name) =>
    /\.(?:conf|json)$/.test(name),
  ))
    copyFileSync(join(projectRoot, 'samples', name), join(cwd, name));
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(projectRoot, join(home, 'node_modules/secfilter'));
  const words = secfiltWords([]).map((word) => `'${word}'`);
  writeFileSync(join(base, 'bin/secfilt'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 });
  const PATH = `${join(base, 'bin')}:${process.env['PATH']}`;
  return { home, options: { cwd, env: { HOME: home, PWD: cwd, PATH, NO_COLOR: '1', TERM: 'dumb' } } };
}

/** What secfilt says once the shell that a transcript leaves open has ended. */
const AFTERWARDS_PATTERN = /^secfilt: \d+ operations? w(?:as|ere) refused \(secfilt -v shows them\)\n$/m;

async function runExample(example: Example, { home, options }: Place): Promise<void> {
  switch (example.kind) {
    case 'script':
      return succeeds(await run(['bash', '-e', '-c', example.text], options));
    case 'command': {
      const runsNothing = /^secfilt --(?:explain|list-calls|probe)\b/.test(example.text);
      const line = runsNothing ? example.text : example.text.replace('secfilt ', 'secfilt --list-calls ');
      // The user's own sockets lie below this on a machine where somebody has logged in.
      return succeeds(await run(['bash', '-c', line.replaceAll('/run/user/1000', home)], options));
    }
    case 'config': {
      const file = join(home, 'project/example.conf');
      writeFileSync(file, example.text);
      return succeeds(await run(['bash', '-c', `secfilt --config='${file}' --list-calls`], options));
    }
    case 'program': {
      const file = join(home, 'project/example.mjs');
      writeFileSync(file, example.text);
      const outcome = await run([process.execPath, file], options);
      succeeds(outcome);
      const actual = outcome.stdout.replaceAll(home, ANN).split('\n').slice(0, -1);
      return assert.ok(matchesOutput(example.output, actual), `actual:\n${actual.join('\n')}`);
    }
    case 'transcript': {
      // All shells and programs read what is typed from a pipe, each its own part. A shell that a transcript leaves
      // open ends well.
      const { stdout } = await run(['bash', '-c', 'exec bash --norc --noprofile 2>&1'], {
        ...options,
        stdin: `${example.input.replaceAll(ANN, home)}exit 0\n`,
      });
      const actual = stdout
        .replaceAll(home, ANN)
        .replace(NO_LANDLOCK_PATTERN, '')
        .replace(AFTERWARDS_PATTERN, '')
        .replaceAll(/^bash: line \d+: /gm, 'bash: ')
        .split('\n')
        .slice(0, -1);
      const shown = `expected:\n${example.output.join('\n')}\n\nactual:\n${actual.join('\n')}`;
      assert.ok(matchesOutput(example.output, actual), shown);
    }
  }
}

function succeeds({ code, signal, stderr }: Outcome): void {
  assert.deepEqual([code, signal], [0, null], stderr);
}
