// The same with many: rules, processes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const MANY_RULES = 10_000;
const MANY_PROCESSES = 500;
const LIMIT = 1.2;
const START_LIMIT = 2;
const IDLE = `${MANY_PROCESSES} idle processes`;

/** Rules of one kind, and a call that they are asked about. */
const KINDS = [
  { what: 'paths', call: 'open-write', count: 20_000, lines: pathRules },
  { what: 'networks', call: 'connect', count: 6000, lines: networkRules },
];

export async function scale({ contenders, folder, programs, script, rounds, quick }) {
  const rows = [];
  const targets = [];
  for (const kind of KINDS) {
    const files = ruleFiles(folder, kind);
    const calls = [join(programs, 'calls'), kind.call, String(quick ? kind.count / 4 : kind.count), folder];
    for (const engine of ['notify', 'trace']) {
      if (!contenders.some(({ name }) => name === `secfilt ${engine}`)) continue;
      const secfilt = (config, words) => [
        process.execPath,
        script,
        `--engine=${engine}`,
        `--config=${config}`,
        '--',
        ...words,
      ];
      const measured = await measure({ ...kind, engine, files, calls, secfilt, rounds });
      rows.push(...measured.rows);
      targets.push(...measured.targets);
    }
  }
  return [table('scale', 'The same with many', rows, targets)];
}

async function measure({ what, call, engine, files, calls, secfilt, rounds }) {
  const many = `10,000 ${what}`;
  const contestants = [
    { name: 'one', words: secfilt(files.one, calls) },
    { name: many, words: secfilt(files.many, calls) },
    { name: IDLE, words: secfilt(files.one, ['sh', '-c', idleScript(calls)]) },
  ];
  const row = {
    name: `${call}, ${engine}`,
    unit: 'ns',
    base: 'one',
    ...(await interleave(contestants, rounds, async ({ words }) => Number((await runWell(words)).stdout))),
  };
  const starts = {
    name: `start with ${what}, ${engine}`,
    unit: 'ns',
    base: 'one',
    ...(await interleave(
      [
        { name: 'one', words: secfilt(files.one, ['true']) },
        { name: many, words: secfilt(files.many, ['true']) },
      ],
      rounds * 2,
      async ({ words }) => (await runWell(words)).milliseconds * 1e6,
    )),
  };
  const target = (text, ofRow, name, limit) => ({
    text: `${text} : one, ${engine}`,
    row: ofRow,
    name,
    base: 'one',
    limit,
  });
  return {
    rows: [row, starts],
    targets: [
      target(`${call} with ${many}`, row, many, LIMIT),
      target(`${call} with ${IDLE}`, row, IDLE, LIMIT),
      target(`start with ${many}`, starts, many, START_LIMIT),
    ],
  };
}

/** Config files with one rule and with many. */
function ruleFiles(folder, { what, lines }) {
  const rules = lines(folder);
  const one = join(folder, `one-of-${what}.conf`);
  const many = join(folder, `many-${what}.conf`);
  writeFileSync(one, `${rules[0]}\n`);
  writeFileSync(many, `${rules.join('\n')}\n`);
  return { one, many };
}

/** The folders of the many exist, so that the kernel gets a rule for each. */
function pathRules(folder) {
  const rules = [`write-allow=${folder}`];
  for (let index = 1; index < MANY_RULES; index += 1) {
    const path = join(folder, 'rules', String(index % 100), String(index));
    mkdirSync(path, { recursive: true });
    rules.push(`write-allow=${path}`);
  }
  return rules;
}

/** None lies in another one or beside it. */
function networkRules() {
  const rules = ['allowed-netmasks=127.0.0.0/8'];
  for (let index = 1; index < MANY_RULES; index += 1)
    rules.push(`allowed-netmasks=10.${index >> 7}.${(index & 127) * 2}.0/24`);
  return rules;
}

function idleScript(calls) {
  return `i=0; while [ $i -lt ${MANY_PROCESSES} ]; do sleep 600 & pids="$pids $!"; i=$((i+1)); done
    ${calls.join(' ')}; kill $pids`;
}
