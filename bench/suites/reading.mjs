// What rules about reading cost: at the start, for one open, and for real work.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, run, runWell } from '../run.mjs';
import { table } from '../results.mjs';
import { makePackages, makeProject, makeTree, shell } from './work.mjs';

const SECRETS = '--read-deny=@secrets';
const PATTERN = '--read-deny=**/.env';
const ENTRIES = 300;
const OPENS = 20_000;
const STARTS = 5;

/** As in work.mjs, but all of it reads. */
const WORKLOADS = [
  {
    name: 'make -j2',
    setUp: makeProject,
    prepare: 'rm -f "$1"/project/*.o "$1"/project/program',
    script: 'make -s -j2 -C "$1/project"',
  },
  {
    name: 'git status of 5,000 files',
    setUp: (base) => runWell(shell(REPOSITORY, base)),
    // As after a checkout: each file is opened and read.
    prepare: 'find "$1/repository" -path "$1/repository/.git" -prune -o -type f -exec touch {} +',
    script: 'git -C "$1/repository" status --short',
  },
  {
    name: 'grep -r',
    setUp: (base) => runWell(shell(makeTree, base)),
    script: 'for i in $(seq 10); do grep -r no_such_word "$1/tree" || true; done',
  },
  {
    name: 'npm ci',
    setUp: makePackages,
    prepare: 'rm -rf "$1/app/node_modules"',
    script:
      'cd "$1/app" && npm ci --offline --no-audit --no-fund --no-update-notifier --loglevel=error --logs-max=0 --cache "$1/cache"',
  },
];

const REPOSITORY = `mkdir "$1/repository" && cd "$1/repository" && git init -q && for d in $(seq 50); do mkdir $d; for f in $(seq 100); do
  seq $f $((f + 50)) > $d/$f; done; done && git add . && git -c user.name=bench -c user.email=bench@localhost commit -qm all`;

export async function reading(given) {
  const others = given.contenders.filter(({ wrapDenied }) => wrapDenied !== undefined);
  return [await starts(given), await opens(given), await loads(given, others)];
}

/** Contestants: this program with and without rules; changes are allowed in one folder each time. */
function secfilt({ script }, name, ...options) {
  const wrap = (words, folder) => [
    process.execPath,
    script,
    '--engine=notify',
    `--write-allow=${folder}`,
    ...options,
    '--',
    ...words,
  ];
  return { name, wrap };
}

const NATIVE = { name: 'native', wrap: (words) => words };

/** In a home directory of 300 entries, some of which hold secrets. */
async function starts(given) {
  const home = makeHome(given.folder);
  const contestants = [
    secfilt(given, 'without'),
    secfilt(given, '@secrets', SECRETS),
    secfilt(given, 'a pattern', PATTERN),
  ];
  const project = join(home, 'entry-0');
  const measure = async ({ wrap }) =>
    (await runWell(wrap(['true'], project), { env: { HOME: home }, cwd: project })).milliseconds * 1e6;
  await interleave(contestants, 2, measure);
  const result = await interleave(contestants, given.rounds * STARTS, measure);
  const row = { name: `true, in a home of ${ENTRIES} entries`, unit: 'ns', base: 'without', ...result };
  const target = {
    text: 'start with @secrets, milliseconds more than without',
    row,
    name: '@secrets',
    base: 'without',
    limit: 8,
    difference: 1e6,
  };
  return table('reading', 'Rules about reading: start', [row], [target]);
}

function makeHome(folder) {
  const home = mkdtempSync(join(folder, 'home-'));
  const secrets = ['.ssh', '.gnupg', '.aws', '.config/gh', '.kube', '.docker', '.local/share/keyrings'];
  for (const name of secrets) mkdirSync(join(home, name), { recursive: true });
  for (let entry = 0; entry < ENTRIES - 7; entry += 1) {
    if (entry % 10 === 0) mkdirSync(join(home, `entry-${entry}`));
    else writeFileSync(join(home, `entry-${entry}`), '');
  }
  return home;
}

/** In memory, as in micro.mjs. */
async function opens({ memoryFolder: folder, programs, rounds, quick, ...given }) {
  const count = String(quick ? OPENS / 4 : OPENS);
  const of = (name, kind, { wrap }) => ({
    name,
    words: wrap([join(programs, 'calls'), kind, count, folder], folder),
  });
  const contestants = [
    of('native read-open', 'open-read', NATIVE),
    of('read-open, no rules', 'open-read', secfilt(given, '')),
    of('read-open, @secrets', 'open-read', secfilt(given, '', SECRETS)),
    of('read-open, a pattern', 'open-read', secfilt(given, '', PATTERN)),
    of('write-open', 'open-write', secfilt(given, '')),
  ];
  const result = await interleave(contestants, rounds, async ({ words }) =>
    Number((await runWell(words)).stdout),
  );
  const row = { name: 'open and close', unit: 'ns', base: 'native read-open', ...result };
  const targets = [
    {
      text: 'read-open by rules that the kernel holds : native',
      row,
      name: 'read-open, @secrets',
      base: 'native read-open',
      limit: 1.45,
    },
    {
      text: 'performed read-open : referred write-open',
      row,
      name: 'read-open, a pattern',
      base: 'write-open',
      limit: 1.6,
    },
  ];
  return table('reading', 'Rules about reading: one open', [row], targets);
}

async function loads(given, others) {
  const { folder, rounds } = given;
  const base = join(folder, 'reading');
  rmSync(base, { recursive: true, force: true });
  mkdirSync(join(base, 'temporary'), { recursive: true });
  writeFileSync(join(base, '.env'), 'secret');
  for (const { name, wrapDenied } of others) {
    const { stdout } = await run(wrapDenied(['cat', join(base, '.env')], base, join(base, '.env')));
    if (stdout !== '') throw new Error(`${name} does not enforce the policy`);
  }
  const contestants = [
    NATIVE,
    secfilt(given, 'without'),
    secfilt(given, '@secrets', SECRETS),
    secfilt(given, 'a pattern', PATTERN),
    ...others.map(({ name, wrapDenied }) => ({
      name,
      wrap: (words) => wrapDenied(words, base, join(base, '.env')),
    })),
  ];
  const rows = [];
  const targets = [];
  for (const { name, setUp, prepare, script } of WORKLOADS) {
    await setUp(base);
    const result = await interleave(contestants, rounds, async ({ wrap }) => {
      if (prepare !== undefined) await runWell(shell(prepare, base));
      const env = { TMPDIR: join(base, 'temporary'), GIT_OPTIONAL_LOCKS: '0' };
      return (await runWell(wrap(shell(script, base), base), { env })).milliseconds * 1e6;
    });
    const row = { name, unit: 'ns', ...result };
    rows.push(row);
    const target = (text, contestant, to, limit) => ({
      text: `${name}, ${text}`,
      row,
      name: contestant,
      base: to,
      limit,
    });
    targets.push(target('@secrets : without', '@secrets', 'without', 1.1));
    for (const other of others)
      targets.push(target(`a pattern : ${other.name}`, 'a pattern', other.name, 0.5));
  }
  return table('reading', 'Rules about reading: real work', rows, targets);
}
