// Look-ups of rules, in this process: no sandbox has a part in it.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { interleave } from '../run.mjs';
import { table } from '../results.mjs';

const LIMIT = 1.3;
const PATTERN_LIMIT = 2.5;
/** So short that in most of them nothing else runs: the quickest is what the machine can do. */
const LOOK_UPS = 200;

/** What is asked: below the first path of the rules, beside it, and elsewhere. */
const ASKED = [
  { what: 'below a rule', path: '/home/ann/project/packages/p-0/node_modules/module-0/lib/index.js' },
  { what: 'where no rule is', path: '/home/ann/other/src/main.c' },
];

export async function rules({ folder, rounds, quick }) {
  const { RuleIndex, parsePattern } = await load(folder);
  const ruleFor = (text) => {
    const parsed = parsePattern(Buffer.from(text));
    const place =
      parsed.kind === 'path'
        ? parsed
        : { kind: 'pattern', pattern: { base: parsed.beginning, components: parsed.components, text } };
    return { effect: 'deny', place, said: text };
  };
  const contestants = [
    { name: '1 path', texts: paths(1) },
    { name: '100 paths', texts: paths(100) },
    { name: '10,000 paths', texts: paths(10_000) },
    { name: '100 patterns', texts: patterns(100) },
    { name: '10,000 paths, 100 patterns', texts: [...paths(10_000), ...patterns(100)] },
  ].map(({ name, texts }) => ({ name, index: new RuleIndex(texts.map(ruleFor)) }));
  const rows = [];
  for (const { what, path } of ASKED) {
    const asked = Buffer.from(path);
    const result = await interleave(contestants, rounds, async ({ index }) =>
      lookUpTime(index, asked, quick),
    );
    rows.push({ name: `decide, ${what}`, unit: 'ns', base: '1 path', ...result });
  }
  const target = (name, limit) => ({
    text: `decide below a rule, ${name} : 1 path`,
    row: rows[0],
    name,
    base: '1 path',
    limit,
  });
  const targets = [
    target('100 paths', LIMIT),
    target('10,000 paths', LIMIT),
    target('100 patterns', PATTERN_LIMIT),
  ];
  return [table('rules', 'Look-ups of rules', rows, targets)];
}

/** Nanoseconds a look-up. */
function lookUpTime(index, asked, quick) {
  let best = Infinity;
  for (let batch = 0; batch < (quick ? 200 : 1000); batch += 1) {
    const begin = performance.now();
    for (let i = 0; i < LOOK_UPS; i += 1) index.decide(asked);
    best = Math.min(best, performance.now() - begin);
  }
  return (best * 1e6) / LOOK_UPS;
}

/** The program is one bundle without exports, so this part of it is bundled by itself. */
async function load(folder) {
  const outfile = join(folder, 'rules.mjs');
  await build({
    stdin: {
      contents: `export { RuleIndex } from './rule-index.ts'; export { parsePattern } from './parse-pattern.ts';`,
      resolveDir: join(import.meta.dirname, '../../src/rules'),
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile,
    logLevel: 'warning',
  });
  const module = await import(pathToFileURL(outfile));
  await rm(outfile);
  return module;
}

function paths(count) {
  return Array.from(
    { length: count },
    (_, i) => `/home/ann/project/packages/p-${i % 100}/node_modules/module-${i}`,
  );
}

function patterns(count) {
  const kinds = [
    (i) => `/home/ann/project/**/.env-${i}`,
    (i) => `/**/*.key${i}`,
    (i) => `/home/ann/**/.git/hook${i}/**`,
    (i) => `/home/ann/project/pack*/${i}*/x?[a-z]`,
  ];
  return Array.from({ length: count }, (_, i) => kinds[i % kinds.length](i));
}
