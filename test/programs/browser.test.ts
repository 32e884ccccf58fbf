/**
 * A browser without its own sandbox: many processes that pass each other descriptors, shared memory and credentials.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { type Outcome, run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Debian's name, Fedora's and the upstream one. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const FLAGS =
  `--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
  --disable-component-update --disable-sync`.split(/\s+/);

const PAGE = `<!doctype html><title>page</title><p id="a">one</p><script>
document.getElementById('a').textContent = 'six times seven is ' + 6 * 7;
const worker = new Worker(URL.createObjectURL(new Blob(['postMessage("from a worker")'])));
worker.onmessage = ({ data }) => { document.title = data; };
</script>`;

async function browser(): Promise<string | undefined> {
  for (const name of NAMES) {
    const { code } = await run(['bash', '-c', 'command -v "$1"', 'bash', name]);
    if (code === 0) return name;
  }
  return undefined;
}

forEachBacking(`a browser renders as without secfilt (${who})`, async (t, { env }) => {
  const name = await browser();
  if (name === undefined) return t.skip(`${NAMES.join(', ')}: none is installed`);
  const root = temporaryDirectory(t);
  const page = join(root, 'page.html');
  writeFileSync(page, PAGE);
  const allowed = join(root, 'a');
  const options = { env: { ...env, HOME: allowed, TMPDIR: allowed }, cwd: root, timeout: 120_000 };
  const words = (...more: string[]): string[] => [
    name,
    ...FLAGS,
    `--user-data-dir=${join(allowed, 'profile')}`,
    ...more,
  ];
  const afresh = async (go: () => Promise<Outcome>): Promise<Outcome> => {
    rmSync(allowed, { recursive: true, force: true, maxRetries: 5 });
    mkdirSync(allowed);
    return go();
  };
  const inside = (command: string[]): Promise<Outcome> =>
    afresh(() => secfilt([`--write-allow=${allowed}`, '--', ...command], options));

  const dump = words('--virtual-time-budget=5000', '--dump-dom', pathToFileURL(page).href);
  const native = await afresh(() => run(dump, options));
  assert.match(native.stdout, /<title>from a worker<.*six times seven is 42/s, JSON.stringify(native));
  const sandboxed = await inside(dump);
  assert.deepEqual([sandboxed.code, sandboxed.stdout], [0, native.stdout], JSON.stringify(sandboxed));

  const picture = join(root, 'picture.png');
  const screenshot = words(`--screenshot=${picture}`, pathToFileURL(page).href);
  await inside(screenshot);
  assert.ok(!existsSync(picture), 'outside the allowed directory');
  const permitted = words(`--screenshot=${join(allowed, 'picture.png')}`, pathToFileURL(page).href);
  const { stderr } = await inside(permitted);
  assert.ok(existsSync(join(allowed, 'picture.png')), stderr);
  await afresh(() => run(screenshot, options));
  assert.ok(existsSync(picture), 'natively it is written');
});
