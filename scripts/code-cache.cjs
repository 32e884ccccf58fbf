// Writes V8's code cache of a program: node code-cache.cjs PROGRAM CACHE. The program runs `true` in a sandbox beforehand, by each
// engine and each kind of policy that is to start fast, so that the cache holds what a start needs. Where it cannot (no seccomp in a container), the
// cache holds what was reached.
const { openSync, readFileSync, writeSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

/** The kernel engine comes last: it restricts this very process. */
const RUNS = [
  ['--engine=notify', '--read-only'],
  ['--engine=notify', '--read-only', '--read-deny=@secrets'],
  ['--engine=notify', '--read-deny=@secrets'],
  ['--engine=kernel', '--read-only'],
];

const [program, cache] = process.argv.slice(2);
const script = new Script(readFileSync(program, 'latin1'), { filename: program });
const requireFromProgram = createRequire(program);
// Open before a sandbox forbids it.
const output = openSync(cache, 'w');
const remaining = [...RUNS];
let ended = true;

/** Runs the program with the next policy, or writes the cache when there is none left. */
function next() {
  const options = remaining.shift();
  if (options === undefined) finish();
  ended = false;
  process.argv = [process.execPath, program, ...options, '--quiet', '--', 'true'];
  script.runInThisContext()(requireFromProgram, { exports: {} }, dirname(program));
}

function finish() {
  const bytes = script.createCachedData();
  for (let at = 0; at < bytes.length;) at += writeSync(output, bytes, at);
  process.reallyExit(0);
}

/** In the place of _exit(2): the program goes no further, and the next run begins. */
function endRun() {
  if (!ended) setImmediate(next);
  ended = true;
  throw new Error('the run has ended');
}

/** koffi, but this process neither ends nor becomes the command. */
function watched(koffi) {
  const load = (...names) => {
    const library = koffi.load(...names);
    return {
      func: (name, ...types) =>
        name === '_exit' ? endRun : name === 'execve' ? () => -1 : library.func(name, ...types),
      symbol: (...names_) => library.symbol(...names_),
    };
  };
  return { ...koffi, load };
}

const { dlopen } = process;
process.dlopen = (loaded, ...words) => {
  dlopen(loaded, ...words);
  loaded.exports = watched(loaded.exports);
};

process.on('unhandledRejection', () => {});
process.on('uncaughtException', finish);
process.on('exit', finish);
next();
