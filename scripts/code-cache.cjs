// Writes V8's code cache of a program: node code-cache.cjs PROGRAM CACHE. The program runs `true` in a sandbox once, so that the
// cache holds what a start needs. Where it cannot (no seccomp in a container), the cache holds what was reached.
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { Script } = require('node:vm');

const [program, cache] = process.argv.slice(2);
const script = new Script(readFileSync(program, 'latin1'), { filename: program });
const requireFromProgram = createRequire(program);

function finish() {
  writeFileSync(cache, script.createCachedData());
  process.reallyExit(0);
}

/** koffi, but the program's last call, _exit(2), ends up here. */
function watched(koffi) {
  const load = (...names) => {
    const library = koffi.load(...names);
    return {
      func: (name, ...types) => (name === '_exit' ? finish : library.func(name, ...types)),
      symbol: (...names_) => library.symbol(...names_),
    };
  };
  return { ...koffi, load };
}

function requireWatched(name) {
  const loaded = requireFromProgram(name);
  return typeof loaded.load === 'function' && loaded.errno !== undefined ? watched(loaded) : loaded;
}

process.argv = [process.execPath, program, '--read-only', '--quiet', '--', 'true'];
process.on('uncaughtException', finish);
process.on('exit', finish);
script.runInThisContext()(requireWatched, { exports: {} });
