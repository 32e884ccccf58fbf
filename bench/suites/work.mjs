// Real work, from start to end: what a person would wait for.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, interleave, run, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const READS = 1.05;
const CREATES = 1.25;
const REQUESTS = 500;
/** Nobody shall be slower than these. */
const SLOWEST = ['proot', 'strace'];

/**
 * Each: a command with `$1` for its folder, what it needs beforehand (`prepare`, not timed, before every run), and how much more than
 * native it may take under notify.
 */
const WORKLOADS = [
  {
    name: 'make -j2',
    limit: CREATES,
    setUp: makeProject,
    prepare: 'rm -f "$1"/project/*.o "$1"/project/program',
    script: 'make -s -j2 -C "$1/project"',
  },
  {
    name: 'git clone and commit',
    limit: CREATES,
    setUp: makeRepository,
    prepare: 'rm -rf "$1/clone"',
    script: `git clone -q "$1/origin" "$1/clone" && cd "$1/clone" && echo x >> file-1 && ${git('commit -qam change')}`,
  },
  {
    name: 'npm install',
    limit: CREATES,
    setUp: makePackages,
    prepare: 'rm -rf "$1/app/node_modules" "$1/app/package-lock.json"',
    script:
      'cd "$1/app" && npm install --offline --no-audit --no-fund --no-update-notifier --loglevel=error --logs-max=0 --cache "$1/cache"',
  },
  {
    name: 'tar x of 3,000 files',
    limit: CREATES,
    setUp: makeArchive,
    prepare: 'rm -rf "$1/extracted" && mkdir "$1/extracted"',
    script: 'tar -xf "$1/archive.tar" -C "$1/extracted"',
  },
  {
    name: 'grep -r',
    limit: READS,
    script: 'for i in $(seq 30); do grep -r no_such_word "$1/tree" || true; done',
  },
  { name: 'python3, 10 starts', limit: READS, script: 'for i in $(seq 10); do python3 -c pass; done' },
];

const HTTP = {
  name: `${REQUESTS} HTTP requests`,
  limit: READS,
  script: `import http.client, sys
for i in range(${REQUESTS}):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
`,
};

const SERVER = `
const server = require('node:http').createServer((request, response) => response.end('hello'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

export async function work({ contenders, folder, rounds }) {
  const rows = [];
  const targets = [];
  const base = join(folder, 'work');
  rmSync(base, { recursive: true, force: true });
  mkdirSync(join(base, 'temporary'), { recursive: true });
  await runWell(shell(makeTree, base));
  for (const load of WORKLOADS) {
    await Promise.resolve(load.setUp?.(base));
    const result = await interleave(contenders, rounds, async (contender) => {
      if (load.prepare !== undefined) await runWell(shell(load.prepare, base));
      const { milliseconds } = await runWell(contender.wrap(shell(load.script, base), folder), {
        env: { TMPDIR: join(base, 'temporary') },
      });
      return milliseconds * 1e6;
    });
    addRow(rows, targets, { name: load.name, unit: 'ns', ...result }, load.limit);
  }
  addRow(rows, targets, await httpRow(contenders, rounds), HTTP.limit);
  return [table('work', 'Real work', rows, targets)];
}

function addRow(rows, targets, row, limit) {
  rows.push(row);
  targets.push({
    text: `${row.name}, secfilt notify : native`,
    row,
    name: 'secfilt notify',
    base: 'native',
    limit,
  });
  for (const other of SLOWEST) {
    targets.push({
      text: `${row.name}, secfilt notify : ${other}`,
      row,
      name: 'secfilt notify',
      base: other,
      limit: 1,
    });
  }
}

async function httpRow(contenders, rounds) {
  const server = spawn(process.execPath, ['-e', SERVER], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise((resolve) =>
    server.stdout.once('data', (text) => resolve(String(text).trim())),
  );
  const able = contenders.filter(({ wrapNetwork }) => wrapNetwork !== undefined);
  try {
    const elsewhere = ['python3', '-c', 'import socket; socket.create_connection(("127.0.0.2", 9), 2)'];
    const result = await interleave(able, rounds, async (contender) => {
      if (contender.kind === 'sandbox') await checkRefusal(contender.wrapNetwork(elsewhere, '127.0.0.1'));
      const words = contender.wrapNetwork(['python3', '-c', HTTP.script, port], '127.0.0.1');
      return (await runWell(words)).milliseconds * 1e6;
    });
    return { name: HTTP.name, unit: 'ns', ...result };
  } finally {
    server.kill();
  }
}

async function checkRefusal(words) {
  const { stderr } = await run(words);
  if (!stderr.includes('PermissionError')) throw new Error('does not enforce the policy');
}

export function shell(script, folder) {
  return ['sh', '-c', script, 'sh', folder];
}

function git(command) {
  return `git -c user.name=bench -c user.email=bench@localhost -c gc.auto=0 ${command}`;
}

export const makeTree = `mkdir "$1/tree" && cd "$1/tree" && for d in $(seq 30); do mkdir $d; for f in $(seq 100); do
  seq $f $((f + 300)) > $d/$f; done; done`;

export function makeProject(base) {
  const folder = join(base, 'project');
  mkdirSync(folder);
  const names = Array.from({ length: 24 }, (_, index) => `part${index}`);
  for (const name of names) {
    const functions = Array.from(
      { length: 20 },
      (_, index) =>
        `int ${name}_${index}(const char *s) { return (int)strlen(s) * ${index} + printf("%s", s); }`,
    );
    writeFileSync(
      join(folder, `${name}.c`),
      `#include <stdio.h>\n#include <string.h>\n${functions.join('\n')}\n`,
    );
  }
  writeFileSync(join(folder, 'main.c'), 'int main(void) { return 0; }\n');
  const objects = ['main', ...names].map((name) => `${name}.o`).join(' ');
  writeFileSync(
    join(folder, 'Makefile'),
    `program: ${objects}\n\tcc -o $@ $^\n%.o: %.c\n\tcc -O1 -c -o $@ $<\n`,
  );
}

async function makeRepository(base) {
  const script = `mkdir "$1/origin" && cd "$1/origin" && git init -q && for f in $(seq 1000); do
    seq $f $((f + 50)) > file-$f; done && git add . && ${git('commit -qm all')}`;
  await runWell(shell(script, base));
}

async function makeArchive(base) {
  await runWell(shell('tar -cf "$1/archive.tar" -C "$1" tree', base));
}

/** Forty packages of ten files, packed as a registry would, and an application that wants them all. */
export async function makePackages(base) {
  const app = join(base, 'app');
  mkdirSync(app);
  const dependencies = {};
  for (let number = 0; number < 40; number += 1) {
    const name = `package-${number}`;
    const folder = join(base, 'packages', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    for (let file = 0; file < 10; file += 1) {
      writeFileSync(join(folder, `${file}.js`), `module.exports = '${'x'.repeat(500)}';\n`);
    }
    dependencies[name] = `file:../${name}-1.0.0.tgz`;
  }
  await runWell(shell('cd "$1" && npm pack --silent --cache "$1/cache" ./packages/*', base));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', dependencies }));
  await runWell(
    shell(
      'cd "$1/app" && npm install --offline --no-audit --no-fund --loglevel=error --cache "$1/cache"',
      base,
    ),
  );
}
