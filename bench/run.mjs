// Runs programs to their end and times them.
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** The environment of every program that is measured: what slows or colours one start of Node would weigh on one side only. */
export function environment(changes = {}) {
  const result = { ...process.env, LC_ALL: 'C', ...changes };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'npm_config_loglevel']) delete result[name];
  return result;
}

/** @returns {Promise<{ code: number | null, pid?: number, stdout: string, stderr: string, milliseconds: number }>} */
export function run(words, { timeout = 300_000, cwd, env, stdin = 'ignore' } = {}) {
  return new Promise((resolve) => {
    const begin = performance.now();
    const child = spawn(words[0], words.slice(1), {
      cwd,
      env: environment(env),
      stdio: [stdin, 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    let milliseconds = Number.NaN;
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.on('exit', () => (milliseconds = performance.now() - begin));
    child.on('error', (error) => resolve({ code: null, stdout, stderr: error.message, milliseconds }));
    child.on('close', (code) => resolve({ code, pid: child.pid, stdout, stderr, milliseconds }));
  });
}

/** As `run`, but an end with another code than 0 is an error: nothing that failed is timed. */
export async function runWell(words, options) {
  const outcome = await run(words, options);
  if (outcome.code === 0) return outcome;
  const said = (outcome.stderr || outcome.stdout).trim().split('\n').slice(-3).join(' / ');
  throw new Error(`${words.join(' ').slice(0, 200)}: exit code ${outcome.code}: ${said}`);
}

/**
 * Interleaved rounds: in each, every contestant is measured once, and each round begins with another one.
 * `measure` returns a number; a contestant that fails is out, with the reason.
 * @returns {Promise<{ values: Map<string, number[]>, failed: Map<string, string> }>}
 */
export async function interleave(contestants, rounds, measure) {
  const values = new Map(contestants.map(({ name }) => [name, []]));
  const failed = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (let index = 0; index < contestants.length; index += 1) {
      const contestant = contestants[(index + round) % contestants.length];
      if (failed.has(contestant.name)) continue;
      try {
        values.get(contestant.name).push(await measure(contestant, round));
      } catch (error) {
        failed.set(contestant.name, error.message);
        values.delete(contestant.name);
      }
    }
  }
  return { values, failed };
}
