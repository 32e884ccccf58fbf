import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Reports } from '../report/reporter.ts';
import { writeOf } from '../report/sample-events.ts';
import { readCommandLine } from './command-line.ts';
import { logTarget, openReports } from './open-reports.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'open-reports-')));
after(() => rmSync(root, { recursive: true }));

async function reportsOf(...words: string[]): Promise<Reports> {
  const line = await readCommandLine([...words, 'command']);
  assert.ok(line.kind === 'run');
  return openReports(line.settings, { files: { writable: [] }, network: undefined, unixSockets: [] });
}

void test('openReports() opens the log before anything runs, and says what cannot be opened', async () => {
  const reports = await reportsOf('--quiet', `--log=${root}/log`);
  reports.report(writeOf('/srv/x'));
  reports.finish(false);
  assert.match(readFileSync(join(root, 'log'), 'utf8'), /^\{"v":1,.*\}\n$/);

  const rows: [string, RegExp][] = [
    [root, /^--log: ".*" cannot be opened for writing: illegal operation on a directory$/],
    [`${root}/gone/log`, /^--log: ".*" is in a directory that does not exist: .*gone$/],
    ['98765', /^--log: "98765" is no open descriptor: did you forget 98765>FILE\?$/],
    ['/dev/fd/98765', /^--log: "\/dev\/fd\/98765" is no open descriptor: did you forget 98765>FILE\?$/],
  ];
  for (const [target, message] of rows)
    await assert.rejects(reportsOf(`--log=${target}`), { name: 'UsageError', message });
});

void test('the paths of a descriptor mean the descriptor', async () => {
  const rows: [string, unknown][] = [
    ['-', { kind: 'descriptor', fd: 2 }],
    ['/dev/stderr', { kind: 'descriptor', fd: 2 }],
    ['/dev/stdout', { kind: 'descriptor', fd: 1 }],
    ['3', { kind: 'descriptor', fd: 3 }],
    ['/dev/fd/3', { kind: 'descriptor', fd: 3 }],
    ['/proc/self/fd/3', { kind: 'descriptor', fd: 3 }],
    ['/dev/null', { kind: 'file', path: Buffer.from('/dev/null') }],
    [`${root}/3`, { kind: 'file', path: Buffer.from(`${root}/3`) }],
  ];
  for (const [text, target] of rows) {
    const line = await readCommandLine([`--log=${text}`, 'command']);
    assert.ok(line.kind === 'run' && line.settings.log);
    assert.deepEqual(logTarget(line.settings.log), target, text);
  }
});

void test('a log that a config file names lies beside it', async () => {
  writeFileSync(join(root, 'c.conf'), 'quiet=1\nlog=beside.log\n');
  const reports = await reportsOf('-c', join(root, 'c.conf'));
  reports.report(writeOf('/srv/x'));
  reports.finish(true);
  assert.equal(readFileSync(join(root, 'beside.log'), 'utf8').split('\n').length, 2);
});
