/** What words about places come to, whoever says them and in whatever order. */
import assert from 'node:assert/strict';
import {
  accessSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { policyWords } from '../library/words.ts';
import type { Policy as LibraryPolicy } from '../library/policy.ts';
import { Errno } from '../linux/errno.ts';
import type { Policy } from '../policy/policy.ts';
import { errnoOf } from '../policy/system-error.ts';
import { formatPattern, literally } from '../rules/format-pattern.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import { readCommandLine } from './command-line.ts';
import { makePolicy } from './make-policy.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'make-rules-')));
after(() => rmSync(root, { recursive: true }));
for (const name of ['work', 'work/git', 'real', 'home']) mkdirSync(join(root, name));
symlinkSync('real', join(root, 'link'));
symlinkSync('../real', join(root, 'work/inner'));
symlinkSync('turn', join(root, 'turn'));
writeFileSync(join(root, 'work/[id].ts'), '');
writeFileSync(join(root, 'work/*'), '');
const file = join(root, 'c.conf');
const json = join(root, 'c.json');

async function policyOf(...words: string[]): Promise<Policy> {
  const before = [process.cwd(), process.env['HOME']] as const;
  process.chdir(root);
  process.env['HOME'] = join(root, 'home');
  process.env['MAKE_RULES'] = '/v*/x';
  try {
    const line = await readCommandLine([...words, 'command']);
    assert.ok(line.kind === 'run');
    return await makePolicy(line.settings.policy);
  } finally {
    process.chdir(before[0]);
    process.env['HOME'] = before[1];
  }
}

function spelt(rules: readonly Rule[] | undefined): string[] | undefined {
  return rules?.map(({ effect, place }) => {
    const text = place.kind === 'path' ? literally(place.path) : formatPattern(place.pattern);
    return `${effect} ${text.toString('latin1').replaceAll(root, 'R')}`;
  });
}

function said(rules: readonly Rule[] | undefined): string[] | undefined {
  return rules?.map((rule) => rule.said.replaceAll(root, 'R'));
}

void test('words about reading become rules', async () => {
  const rows: [string[], string[]][] = [
    [['--read-deny=work'], ['deny R/work']],
    [['--deny-read=work,link/gone/deep'], ['deny R/work', 'deny R/real/gone/deep']],
    [
      ['--read-deny=/', '--allow-read=.', '--read-allow=~/x'],
      ['allow R', 'allow R/home/x', 'deny /'],
    ],
    [['--read-deny=**/*.key'], ['deny R/**/*.key']],
    [['--read-deny=work/**'], ['deny R/work']],
    [
      ['--read-deny=**', '--read-allow=work/*/**'],
      ['allow R/work/*', 'deny R'],
    ],
    [['--read-deny=link/[ab]?'], ['deny R/real/[ab]?']],
    [['--read-deny=/*/x/./y//z/'], ['deny /*/x/y/z']],
    [['--read-deny=$MAKE_RULES/a*'], [String.raw`deny /v\*/x/a*`]],
    [['--read-deny=${MAKE_RULES}'], [String.raw`deny /v\*/x`]],
    [
      ['--read-deny=./~', String.raw`--read-deny=\~,\$HOME,\@a,a\,b`],
      ['deny R/~', 'deny R/~', 'deny R/$HOME', 'deny R/@a', 'deny R/a,b'],
    ],
    [[String.raw`--read-deny=work/\[id\].ts`], [String.raw`deny R/work/\[id\].ts`]],
    [['--read-deny=work/[i]d'], ['deny R/work/[i]d']],
    [['--read-deny=a\\b'], [String.raw`deny R/a\\b`]],
  ];
  for (const [words, rules] of rows)
    assert.deepEqual(spelt((await policyOf(...words)).read), rules, words.join(' '));
  assert.deepEqual(said((await policyOf('--deny-read=~/x')).read), ['--read-deny=~/x']);
});

void test('the links by which readable places were found are readable themselves', async () => {
  assert.deepEqual(spelt((await policyOf('--read-deny=/', '--read-allow=link/a,work')).read), [
    'allow R/real/a',
    'allow R/work',
    'allow R/link',
    'deny /',
  ]);
});

void test('who names a place of a set himself means it', async () => {
  writeFileSync(file, `set.mine=${root}/home/a,${root}/home/b,${root}/work/*.key\n`);
  const config = `--config=${file}`;
  assert.deepEqual(spelt((await policyOf(config, '--read-deny=@mine', '--read-allow=~/a,work/*.key')).read), [
    'allow R/home/a',
    'allow R/work/*.key',
    'deny R/home/b',
  ]);
  assert.deepEqual(spelt((await policyOf(config, '--read-deny=/,~/a', '--read-allow=@mine')).read), [
    'allow R/home/b',
    'allow R/work/*.key',
    'deny /',
    'deny R/home/a',
  ]);
  const secrets = await policyOf('--read-deny=@secrets', '--read-allow=~/.npmrc');
  assert.ok(new RuleIndex(secrets.read ?? []).isDenied(Buffer.from(join(root, 'home/.ssh/x'))));
  assert.ok(!new RuleIndex(secrets.read ?? []).isDenied(Buffer.from(join(root, 'home/.npmrc'))));
});

/** Or it cannot be known. */
function isThere(place: string): boolean {
  try {
    accessSync(place);
    return true;
  } catch (error) {
    return errnoOf(error) !== Errno.ENOENT;
  }
}

void test('outside of the home a set denies to be read what is there, in the home what may come as well', async () => {
  const { read = [] } = await policyOf('--read-deny=@secrets');
  const places = spelt(read)?.map((text) => text.replace(/^deny /, '')) ?? [];
  assert.ok(places.includes('R/home/.ssh'));
  assert.deepEqual(
    places.filter((place) => !place.startsWith('R/') && !isThere(place)),
    [],
  );
  assert.ok(
    places.some((place) => place.startsWith('/')),
    'something is there',
  );
});

void test('a place of a set to which a link leads that may be the work of the command is left out', async () => {
  writeFileSync(file, `set.mine=${root}/work/inner,${root}/real/x\n`);
  const { read } = await policyOf(
    `--config=${file}`,
    '--write-allow=work',
    '--read-deny=/',
    '--read-allow=@mine',
  );
  assert.deepEqual(spelt(read), ['allow R/real/x', 'deny /']);
  await assert.rejects(
    policyOf('--write-allow=work', '--read-deny=/', '--read-allow=work/inner'),
    /leads through an allowed tree/,
  );
});

void test('words about executing become rules, and restrict no file', async () => {
  const { execute, files, read } = await policyOf('--deny-run=/usr', '--exec-allow=/usr/bin,~');
  assert.deepEqual(spelt(execute), ['allow /usr/bin', 'allow R/home', 'deny /usr']);
  assert.deepEqual([files, read], [undefined, undefined]);
});

void test('words about changes say no more than paths where there is no more', async () => {
  const text = async (...words: string[]): Promise<unknown> => {
    const { files } = await policyOf(...words);
    return files && [files.writable.map((path) => path.toString().replace(root, 'R')), spelt(files.rules)];
  };
  assert.deepEqual(await text('--write-allow=work'), [['R/work'], undefined]);
  assert.deepEqual(await text('--write-allow=~,$HOME/x'), [['R/home', 'R/home/x'], undefined]);
  assert.deepEqual(await text('--write-deny=work'), [['/'], ['deny R/work']]);
  assert.deepEqual(await text('--write-allow=work', '--write-deny=work/git'), [
    ['R/work'],
    ['deny /', 'allow R/work', 'deny R/work/git'],
  ]);
  assert.deepEqual(await text('--write-allow=work/*.o,real'), [
    ['R/real'],
    ['deny /', 'allow R/work/*.o', 'allow R/real'],
  ]);
  assert.deepEqual(await text('--read-only', '--write-deny=x'), [[], ['deny /', 'deny R/x']]);
  // The link is changed no more than what it leads to.
  assert.deepEqual(await text('--write-deny=link/a'), [['/'], ['deny R/real/a', 'deny R/link']]);
  assert.deepEqual(await text('--write-deny=link/*.a'), [['/'], ['deny R/real/*.a', 'deny R/link']]);
  assert.deepEqual(said((await policyOf('--write-allow=work', '--write-deny=link')).files?.rules), [
    '--read-only, which --write-allow implies',
    '--write-allow=work',
    '--write-deny=link',
    '--write-deny=link, to which the link leads',
  ]);
});

void test('the links to what must not be read are told', async () => {
  const { linksToDenied } = await policyOf('--read-deny=link/a,work', '--exec-deny=link');
  assert.deepEqual(linksToDenied?.map(String), [join(root, 'link'), join(root, 'link')]);
  assert.equal((await policyOf('--read-deny=work', '--write-deny=link')).linksToDenied, undefined);
});

void test('what is wrong with a word names it, and what would be right', async () => {
  const rows: [string[], string][] = [
    [
      ['--read-allow=/a'],
      '--read-allow: "/a" restricts nothing: all is allowed but what is denied: say what it is an exception of, as in --read-deny=/',
    ],
    [
      ['--allow-run=/a', '--read-deny=/'],
      '--allow-run: "/a" restricts nothing: all is allowed but what is denied: say what it is an exception of, as in --exec-deny=/',
    ],
    [
      ['--exec-deny=/usr/*'],
      '--exec-deny: "/usr/*" is a pattern: what may be executed is said by paths and sets of paths',
    ],
    [
      ['--write-deny=work/[id].ts'],
      String.raw`--write-deny: "work/[id].ts" is a pattern, and the name of a file that is there: write work/\[id\].ts for the file, work/[id].t[s] for the pattern`,
    ],
    [
      ['--read-deny=work/*'],
      String.raw`--read-deny: "work/*" is a pattern, and the name of a file that is there: write work/\* for the file, wor[k]/* for the pattern`,
    ],
    [['--write-allow=gone/x'], `--write-allow: "gone/x" is in a directory that does not exist: ${root}/gone`],
    [
      ['--read-deny=a**'],
      '--read-deny: "a**" has ** beside something else: it stands alone between slashes, as in a/**/b',
    ],
    [
      ['--read-deny=*/..'],
      '--read-deny: "*/.." has .. behind a pattern: write the path that is meant without it',
    ],
    [
      ['--read-deny=[a'],
      String.raw`--read-deny: "[a" has a [ without its ]: write \[ for a bracket in a name`,
    ],
    [
      ['--read-deny=~bob/x'],
      '--read-deny: "~bob/x" names the home of another user: write ./~ for a file so called',
    ],
    [
      ['--read-deny=**/*.{key,pem}'],
      String.raw`--read-deny: "**/*.{key,pem}" has braces around a comma: they mean nothing here, write each: *.key,*.pem (\, is a comma of a name)`,
    ],
    [
      ['--write-deny=.git,!.git/objects'],
      '--write-deny: ".git,!.git/objects" has a ! before a place: what is excepted is said by the opposite option, a file so called is ./!x',
    ],
    [['--read-deny=$NO_SUCH/x'], '--read-deny: "$NO_SUCH/x" needs $NO_SUCH, which is not set'],
    [
      ['--read-deny=a$'],
      String.raw`--read-deny: "a$" has a $ that names no variable: write \$ for a dollar sign`,
    ],
    [
      ['--read-deny=turn/x'],
      '--read-deny: "turn/x" cannot be looked up: too many symbolic links encountered',
    ],
    [
      ['--read-deny=/proc/self/environ'],
      '--read-deny: "/proc/self/environ" names an entry of secfilt itself in /proc: the command has another',
    ],
    [
      ['--read-deny=@secretz'],
      '--read-deny: "@secretz" names no set of places: did you mean @secrets? there are @secrets, @startup, @system',
    ],
    [
      ['--read-deny=@private'],
      '--read-deny: "@private" names no set of places: there are @secrets, @startup, @system',
    ],
    [
      ['--write-allow=work', '--read-deny=/', '--read-allow=work/inner'],
      `--read-allow: "work/inner" leads through an allowed tree: ${root}/work/inner, a symbolic link there may be the work of the command, name what it leads to`,
    ],
    [
      ['--write-allow=wor[k]/**/x', '--write-own=work/inner/a'],
      `--write-own: "work/inner/a" leads through an allowed tree: ${root}/work/inner, a symbolic link there may be the work of the command, name what it leads to`,
    ],
    [
      ['--learn=x', '--read-deny=a'],
      '--learn watches a run without restrictions: leave the restrictions out, but --read-deny=/ to learn what is read',
    ],
    [
      ['--learn=x', '--write-deny=a'],
      '--learn watches a run without restrictions: leave the restrictions out, but --read-deny=/ to learn what is read',
    ],
  ];
  for (const [words, message] of rows) {
    await assert.rejects(policyOf(...words), { name: 'UsageError', message }, words.join(' '));
  }
});

void test('--allow-unix has an effect beside any rule, and --read-only=0 contradicts no --write-deny', async () => {
  for (const word of ['--read-deny=/a', '--write-deny=/a', '--exec-deny=/a'])
    assert.equal((await policyOf(word, '--allow-unix=/s')).unixSockets.length, 1);
  assert.equal((await policyOf('--read-only=0', '--write-deny=/a')).files?.writable.length, 1);
  await assert.rejects(policyOf('--read-only=0', '--write-allow=/'), /contradicts --write-allow/);
});

void test('sets of config files', async () => {
  writeFileSync(file, 'set.mine=work,**/*.key\nset.all=@mine,~/x\nset.mine=$MAKE_RULES\nread-deny=@all\n');
  const { read } = await policyOf(`--config=${file}`);
  assert.deepEqual(spelt(read), ['deny R/work', 'deny R/**/*.key', String.raw`deny /v\*/x`, 'deny R/home/x']);
  assert.deepEqual(said(read), [
    '--read-deny=@all in R/c.conf:4 (work)',
    '--read-deny=@all in R/c.conf:4 (**/*.key)',
    '--read-deny=@all in R/c.conf:4 ($MAKE_RULES)',
    '--read-deny=@all in R/c.conf:4 (~/x)',
  ]);
  writeFileSync(json, '{"sets": {"mine": ["work", "[!a]*"]}}');
  assert.deepEqual(spelt((await policyOf(`-c${json}`, '--write-deny=@mine')).files?.rules), [
    'deny R/work',
    'deny R/[!a]*',
  ]);

  const rows: [string, string][] = [
    [
      'set.a=@b\nset.b=x,@a\nread-deny=@a',
      ':2: set.b: "@a" is a set that holds itself: @a, which holds @b, which holds @a',
    ],
    ['set.a=@a\nread-deny=@a', ':1: set.a: "@a" is a set that holds itself: @a, which holds @a'],
    ['set.secrets=x', ':1: set.secrets is a set of secfilt itself: name it otherwise'],
    [
      'set.a=@c\nread-deny=@a',
      ':1: set.a: "@c" names no set of places: did you mean @a? there are @secrets, @startup, @system, @a',
    ],
    ['set.=x', ':1: set: "" is no name of a set: a letter, then letters, digits, - and _'],
    ['set.a b=x', ':1: set: "a b" is no name of a set: a letter, then letters, digits, - and _'],
    ['set.a=', ':1: set.a needs a value: set.a=PATH,PATH'],
    [
      'set.a=*.{key,pem}',
      String.raw`:1: set.a: "*.{key,pem}" has braces around a comma: they mean nothing here, write each: *.key,*.pem (\, is a comma of a name)`,
    ],
    ['set.a', ':1: set.a needs a value: set.a=PATH,PATH'],
    ['set.a=$NO_SUCH\nread-deny=@a', ':1: set.a: "$NO_SUCH" needs $NO_SUCH, which is not set'],
    [
      'set.a=x*\nexec-deny=@a',
      `:2: exec-deny: "@a" holds a pattern, as in --exec-deny=@a in ${file}:2 (x*): what may be executed is said by paths and sets of paths`,
    ],
  ];
  for (const [content, message] of rows) {
    writeFileSync(file, content);
    await assert.rejects(
      policyOf(`--config=${file}`),
      { name: 'UsageError', message: file + message },
      content,
    );
  }
});

const WORDS = ['.', '/', 'work', 'work/git', '~/y', '**/a', '*/git', 'work/[a-g]*', '/**', 'home', 'a\\*'];
const OPTIONS = ['read-allow', 'read-deny', 'write-allow', 'write-deny'] as const;
const option = fc.tuple(fc.constantFrom(...OPTIONS), fc.constantFrom(...WORDS));
const options = fc
  .array(option, { minLength: 1, maxLength: 6 })
  .map((list): (readonly [string, string])[] => [...list, ['read-deny', 'work/git']]);
const PATHS = ['', '/work', '/work/git/x', '/work/a', '/real/x/y', '/home/y', '/home', '/a', '/q'].map(
  (path) => Buffer.from(root + path),
);

/** What is decided about each path, for reading and for changes. */
function decisions({ read = [], files }: Policy): unknown {
  return [read, files?.rules ?? []].map((rules) => {
    const index = new RuleIndex(rules);
    return PATHS.map((path) => index.decide(path)?.effect);
  });
}

function asWords(list: readonly (readonly [string, string])[]): string[] {
  return list.map(([name, word]) => `--${name}=${word}`);
}

void test('order means nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      options.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      ),
      async ([one, other]) => {
        const first = await policyOf(...asWords(one));
        const second = await policyOf(...asWords(other));
        assert.deepEqual(decisions(first), decisions(second));
        assert.deepEqual(new Set(spelt(first.files?.rules)), new Set(spelt(second.files?.rules)));
      },
    ),
    { numRuns: 100 },
  );
});

/** Words for the library, which are the same but for what is written at the command line's own directory. */
function asObject(list: readonly (readonly [string, string])[]): LibraryPolicy {
  const wordsOf = (name: string): string[] | undefined => {
    const words = list.filter(([given]) => given === name).map(([, word]) => word);
    return words.length === 0 ? undefined : words;
  };
  const [allow, deny] = [wordsOf('write-allow'), wordsOf('write-deny')];
  return {
    read: { allow: wordsOf('read-allow'), deny: wordsOf('read-deny') },
    ...((allow ?? deny) && { write: { allow, deny } }),
  };
}

void test('the command line, a config file, one in JSON and the library mean the same by the same words', async () => {
  await fc.assert(
    fc.asyncProperty(options, async (list) => {
      const words = asWords(list);
      writeFileSync(file, list.map(([name, word]) => `${name}=${word}\n`).join(''));
      writeFileSync(json, JSON.stringify(asObject(list)));
      const library = policyWords(asObject(list), { cwd: root, home: join(root, 'home') });
      const ways = [words, [`--config=${file}`], [`--config=${json}`], library];
      const all: unknown[] = [];
      for (const way of ways) {
        const { read, files } = await policyOf(...way);
        const rules = [spelt(read), spelt(files?.rules)].map((each) => each?.toSorted());
        all.push({ rules, writable: files?.writable.map(String).toSorted() });
      }
      for (const one of all) assert.deepEqual(one, all[0]);
    }),
    { numRuns: 100 },
  );
});
