/**
 * What is measured side by side: this program, what a user would pick instead, and two minimal loops in C as the floor of each
 * mechanism. The policy is the same for all: changes are allowed in one folder and nowhere else.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run.mjs';
import { clientFor } from './service.mjs';

/** The referred calls that the loads make, for tracers that have to be told. */
const TRACED = [
  'open,openat,creat,truncate,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat',
  'chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utime,utimes,futimesat,utimensat,connect',
].join(',');

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {'native' | 'sandbox' | 'mechanism'} kind a mechanism sees the calls but has no policy to enforce
 * @property {(words: string[], folder: string) => string[]} wrap the words that run a command with changes allowed in `folder`
 * @property {(words: string[], networks: string) => string[]} [wrapNetwork] the words that let it connect to these networks only
 * @property {(words: string[], folder: string, secret: string) => string[]} [wrapDenied] the same as `wrap`, and this file is not read
 * @property {string} [needs] the program that must be installed
 * @property {string} [module] the module of Python that must be installed
 * @property {string} [engine] the engine that must be the one at work
 * @property {string[]} [suites] the only suites that it takes part in
 */

function secfilt(script, engine) {
  const words = (...options) => [process.execPath, script, `--engine=${engine}`, ...options, '--'];
  return {
    name: `secfilt ${engine}`,
    kind: 'sandbox',
    engine,
    wrap: (command, folder) => [...words(`--write-allow=${folder}`), ...command],
    wrapNetwork: (command, networks) => [...words(`--allowed-netmasks=${networks}`), ...command],
  };
}

/** Every contender, found or not. @returns {Contender[]} */
export function allContenders({ script, programs }) {
  const loop = (name) => ({
    name: `C ${name} loop`,
    kind: 'mechanism',
    wrap: (command) => [join(programs, `${name}-loop`), ...command],
    wrapNetwork: (command) => [join(programs, `${name}-loop`), ...command],
  });
  return [
    { name: 'native', kind: 'native', wrap: (command) => command, wrapNetwork: (command) => command },
    secfilt(script, 'notify'),
    secfilt(script, 'trace'),
    secfilt(script, 'kernel'),
    {
      name: 'secfilt compiled',
      kind: 'sandbox',
      suites: ['start'],
      wrap: (command, folder) => [compiled(script, folder), ...command],
    },
    {
      name: 'secfilt client',
      kind: 'sandbox',
      suites: ['start'],
      wrap: (command, folder) => [clientFor(script, 'start', `--write-allow=${folder}`), ...command],
    },
    {
      name: 'bubblewrap',
      kind: 'sandbox',
      needs: 'bwrap',
      wrap: (command, folder) =>
        `bwrap --ro-bind / / --dev /dev --proc /proc --bind ${folder} ${folder} --die-with-parent --`
          .split(' ')
          .concat(command),
    },
    {
      name: 'firejail',
      kind: 'sandbox',
      needs: 'firejail',
      wrap: (command, folder) =>
        `firejail --quiet --noprofile --read-only=/ --read-write=${folder} --`.split(' ').concat(command),
    },
    {
      name: 'sandbox-runtime',
      kind: 'sandbox',
      needs: 'srt',
      wrap: (command, folder) => ['srt', '--settings', srtSettings(folder), '-c', quoted(command)],
    },
    {
      name: 'sandlock',
      kind: 'sandbox',
      needs: 'python3',
      module: 'sandlock',
      suites: ['reading'],
      wrap: (command, folder) => sandlock(folder, join(folder, '.env'), command),
      wrapDenied: (command, folder, secret) => sandlock(folder, secret, command),
    },
    {
      name: 'syd',
      kind: 'sandbox',
      needs: 'syd',
      suites: ['reading'],
      wrap: (command, folder) => syd(folder, join(folder, '.env'), command),
      wrapDenied: (command, folder, secret) => syd(folder, secret, command),
    },
    { name: 'proot', kind: 'mechanism', needs: 'proot', wrap: (command) => ['proot', '-r', '/', ...command] },
    {
      name: 'strace',
      kind: 'mechanism',
      needs: 'strace',
      wrap: (command) => [
        'strace',
        '-f',
        '--seccomp-bpf',
        '-qq',
        '-e',
        `trace=${TRACED}`,
        '-o',
        '/dev/null',
        ...command,
      ],
    },
    loop('notify'),
    loop('ptrace'),
    onOneProcessor(secfilt(script, 'trace')),
    onOneProcessor(loop('ptrace')),
  ];
}

/** A file that holds the policy alone (--compile), beside the folder. */
function compiled(script, folder) {
  const file = `${folder}.compiled`;
  const words = [script, `--compile=${file}`, '--engine=kernel', `--write-allow=${folder}`];
  if (!existsSync(file)) execFileSync(process.execPath, words);
  return file;
}

/** The same with the supervisor and what it supervises on one processor, where neither has to wake another. */
function onOneProcessor(contender) {
  const wrap = (command, folder) => ['taskset', '-c', '0', ...contender.wrap(command, folder)];
  return { ...contender, name: `${contender.name}, one CPU`, needs: 'taskset', suites: ['micro'], wrap };
}

/** The Python package of this name: everything may be read but one file. */
function sandlock(folder, secret, command) {
  const script = `import sys
from sandlock import Sandbox
folder, secret, command = sys.argv[1], sys.argv[2], sys.argv[3:]
sandbox = Sandbox(fs_readable=['/'], fs_writable=[folder, '/dev'], fs_denied=[secret])
sys.exit(sandbox.run_interactive(command))`;
  return ['python3', '-c', script, folder, secret, ...command];
}

/** The same for syd (syd(1)): what it sees of files is reading and changing alone. */
function syd(folder, secret, command) {
  const rules = [
    'sandbox/read:on',
    'sandbox/write,create,delete:on',
    'allow/read+/***',
    `deny/read+${secret}`,
  ];
  const changes = [`allow/write,create,delete+${folder}/***`, 'allow/write+/dev/***'];
  return ['syd', '-poff', ...[...rules, ...changes].flatMap((rule) => ['-m', rule]), '--', ...command];
}

/** The policy of the others, as sandbox-runtime reads it. */
function srtSettings(folder) {
  const file = `${folder}.srt.json`;
  const filesystem = { denyRead: [], allowWrite: [folder], denyWrite: [] };
  writeFileSync(file, JSON.stringify({ network: { allowedDomains: [], deniedDomains: [] }, filesystem }));
  return file;
}

/** As a shell reads it. */
function quoted(words) {
  return words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
}

/** Those that can be measured, and the others with the reason. */
export async function chooseContenders(contenders, folder) {
  const chosen = [];
  const left = [];
  for (const contender of contenders) {
    const reason = await whyNot(contender, folder);
    if (reason === undefined) chosen.push(contender);
    else left.push({ name: contender.name, reason });
  }
  return { chosen, left };
}

async function whyNot(contender, folder) {
  if (contender.needs !== undefined && !isInstalled(contender.needs)) return 'not installed';
  if (
    contender.module !== undefined &&
    (await run(['python3', '-c', `import ${contender.module}`])).code !== 0
  )
    return 'not installed';
  const inside = join(folder, 'inside');
  const outside = join(folder, 'outside');
  rmSync(inside, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
  mkdirSync(inside, { recursive: true });
  mkdirSync(outside, { recursive: true });
  const script = 'echo a > "$1/a"; { echo b > "$2/b"; } 2>/dev/null; grep TracerPid /proc/$$/status; echo $$';
  const words = contender.wrap(['sh', '-c', script, 'sh', inside, outside], inside);
  const { code, pid, stdout, stderr } = await run(words, { timeout: 30_000 });
  const said = /^TracerPid:\t(\d+)\n(\d+)\n$/.exec(stdout);
  if (code !== 0 || said === null) return `does not run here: ${firstLine(stderr) ?? `exit code ${code}`}`;
  if (!existsSync(join(inside, 'a'))) return 'refuses what the policy allows';
  if (contender.kind === 'sandbox' && existsSync(join(outside, 'b'))) return 'does not enforce the policy';
  if (contender.engine === undefined) return undefined;
  const engine = said[1] !== '0' ? 'trace' : said[2] === String(pid) ? 'kernel' : 'notify';
  return engine === contender.engine ? undefined : `not available: the ${engine} engine did the work`;
}

function firstLine(text) {
  return text.split('\n').find((line) => line.trim() !== '');
}

function isInstalled(program) {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
