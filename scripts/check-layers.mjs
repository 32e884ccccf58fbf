// Checks that imports only go down the house, and that no files import each other in a circle, for types neither.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A folder may import itself and the folders named here. */
const MAY_IMPORT = {
  linux: [],
  seccomp: ['linux'],
  rules: [],
  policy: ['rules', 'linux'],
  options: ['policy'],
  plan: ['policy', 'rules', 'seccomp', 'linux'],
  launch: ['plan', 'seccomp', 'linux'],
  judge: ['policy', 'rules', 'linux'],
  report: ['policy', 'rules', 'judge', 'linux'],
  supervise: ['judge', 'report', 'plan', 'launch', 'policy', 'rules', 'seccomp', 'linux'],
  library: ['options', 'report'],
  service: ['library', 'supervise', 'report', 'judge', 'launch', 'plan', 'policy', 'seccomp', 'linux'],
  cli: [
    'service',
    'library',
    'supervise',
    'report',
    'judge',
    'launch',
    'plan',
    'options',
    'policy',
    'rules',
    'seccomp',
    'linux',
  ],
};

/** What the library is when it runs: it lives in the process of another program, and brings nothing there but itself. */
const LIBRARY = 'library/index.ts';
const IN_LIBRARY = new Set(['library', 'options', 'policy', 'rules']);

/**
 * The floors inside supervise/: a wing may import the wings named here. The files at its root that are not named are
 * what all wings stand on, and import none but those named here.
 */
const MAY_IMPORT_INSIDE = {
  engines: ['sandbox', 'files', 'network', 'processes', 'ipc', 'refused', 'target', 'root'],
  sandbox: ['files', 'network', 'processes', 'ipc', 'refused', 'target', 'root'],
  files: ['processes', 'target', 'root'],
  network: ['files', 'processes', 'target', 'root'],
  processes: ['target', 'root'],
  ipc: ['target', 'root'],
  refused: ['target', 'root'],
  root: ['target'],
  target: ['root'],
};
const WINGS = new Set(['engines', 'files', 'network', 'processes', 'ipc', 'refused', 'target']);
/** What puts the wings together lies at the root too. */
const ABOVE_THE_WINGS = new Set([
  'handlers.ts',
  'handlers.test.ts',
  'asking.ts',
  'sandbox.ts',
  'outcomes.ts',
  'refused-calls.ts',
]);

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const violations = [];
const graph = new Map(files.map((name) => [name, importsOf(name)]));
for (const [name, targets] of graph) for (const target of targets) check(name, target);
violations.push(...circles(), ...strangersInLibrary());

const imports = [...graph.values()].reduce((sum, targets) => sum + targets.length, 0);
if (files.length === 0 || imports === 0) violations.push('no source file was seen');
for (const line of violations) console.error(line);
if (violations.length > 0) process.exit(1);
console.log(`layers: ${files.length} files, ${imports} imports, all downwards, no circle`);

/** The files that one imports, those inside src/ by their path there, the others with a path that leads out of it. */
function importsOf(name) {
  const text = readFileSync(join(src, name), 'utf8');
  return [...text.matchAll(/(?:from\s*|import\s*\(?\s*)'(\.[^']*)'/g)].map(([, specifier]) =>
    relative(src, resolve(src, dirname(name), specifier)),
  );
}

/** One line for each module that the library would load and should not; imports of types load nothing. */
function strangersInLibrary() {
  const found = [];
  const seen = new Set([LIBRARY]);
  for (const name of seen) {
    if (!IN_LIBRARY.has(name.split('/')[0])) found.push(`the library would load ${name}`);
    const text = readFileSync(join(src, name), 'utf8');
    for (const [, specifier] of text.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?\sfrom '([^']*)';$/gm)) {
      if (specifier.startsWith('.')) seen.add(relative(src, resolve(src, dirname(name), specifier)));
      else if (!specifier.startsWith('node:')) found.push(`${name}: the library would load ${specifier}`);
    }
  }
  return found;
}

function check(name, target) {
  const [from, to] = [name, target].map((path) => path.split('/')[0]);
  if (to === '..') {
    if (!name.endsWith('.test.ts')) violations.push(`${name}: imports ${target}, outside src/`);
  } else if (from !== to) {
    if (!MAY_IMPORT[from]?.includes(to)) violations.push(`${name}: ${from}/ may not import ${to}/`);
  } else if (from === 'supervise') {
    const [lower, upper] = [wingOf(target), wingOf(name)];
    if (lower !== upper && !MAY_IMPORT_INSIDE[upper].includes(lower))
      violations.push(`${name}: ${upper} of supervise/ may not import ${lower} (${target})`);
  }
}

function wingOf(name) {
  const [, wing] = name.split('/');
  if (WINGS.has(wing)) return wing;
  return ABOVE_THE_WINGS.has(wing) ? 'sandbox' : 'root';
}

/** One line for each import that closes a circle, found by a walk in depth. */
function circles() {
  const found = [];
  const done = new Set();
  const way = [];
  const visit = (name) => {
    if (done.has(name)) return;
    const start = way.indexOf(name);
    if (start >= 0) {
      found.push(`a circle of imports: ${[...way.slice(start), name].join(' > ')}`);
      return;
    }
    way.push(name);
    for (const target of graph.get(name) ?? []) visit(target);
    way.pop();
    done.add(name);
  };
  for (const name of graph.keys()) visit(name);
  return found;
}
