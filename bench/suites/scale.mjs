// The same with many: rules, processes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const MANY_RULES = 10_000;
const MANY_PROCESSES = 500;
const LIMIT = 1.2;

export async function scale({ contenders, folder, programs, script, rounds, quick }) {
  const rows = [];
  const targets = [];
  const calls = [join(programs, 'calls'), 'open-write', quick ? '5000' : '20000', folder];
  const files = ruleFiles(folder);
  for (const engine of ['notify', 'trace'].filter((name) =>
    contenders.some((each) => each.name === `secfilt ${name}`),
  )) {
    const secfilt = (config, words) => [
      process.execPath,
      script,
      `--engine=${engine}`,
      `--config=${config}`,
      '--',
      ...words,
    ];
    const contestants = [
      { name: 'one', words: secfilt(files.one, calls) },
      { name: '10,000 paths', words: secfilt(files.many, calls) },
      { name: '500 idle processes', words: secfilt(files.one, ['sh', '-c', idleScript(calls)]) },
    ];
    const row = {
      name: `open-write, ${engine}`,
      unit: 'ns',
      base: 'one',
      ...(await interleave(contestants, rounds, async ({ words }) => Number((await runWell(words)).stdout))),
    };
    const starts = {
      name: `start, ${engine}`,
      unit: 'ns',
      base: 'one',
      ...(await interleave(
        [
          { name: 'one', words: secfilt(files.one, ['true']) },
          { name: '10,000 paths', words: secfilt(files.many, ['true']) },
        ],
        rounds * 2,
        async ({ words }) => (await runWell(words)).milliseconds * 1e6,
      )),
    };
    rows.push(row, starts);
    targets.push(
      {
        text: `write-open with 10,000 paths : one, ${engine}`,
        row,
        name: '10,000 paths',
        base: 'one',
        limit: LIMIT,
      },
      {
        text: `write-open with 500 idle processes : one, ${engine}`,
        row,
        name: '500 idle processes',
        base: 'one',
        limit: LIMIT,
      },
      {
        text: `start with 10,000 paths : one, ${engine}`,
        row: starts,
        name: '10,000 paths',
        base: 'one',
        limit: 2,
      },
    );
  }
  return [table('scale', 'The same with many', rows, targets)];
}

/** Config files with one rule and with many; the folders of the many exist, so that the kernel gets a rule for each. */
function ruleFiles(folder) {
  const base = join(folder, 'rules');
  const lines = [`write-allow=${folder}`];
  for (let index = 1; index < MANY_RULES; index += 1) {
    const path = join(base, String(index % 100), String(index));
    mkdirSync(path, { recursive: true });
    lines.push(`write-allow=${path}`);
  }
  const one = join(folder, 'one.conf');
  const many = join(folder, 'many.conf');
  writeFileSync(one, `${lines[0]}\n`);
  writeFileSync(many, `${lines.join('\n')}\n`);
  return { one, many };
}

function idleScript(calls) {
  return `i=0; while [ $i -lt ${MANY_PROCESSES} ]; do sleep 600 & pids="$pids $!"; i=$((i+1)); done
    ${calls.join(' ')}; kill $pids`;
}
