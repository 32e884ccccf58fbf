import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Policy } from '../policy/policy.ts';
import type { ReferralEvent } from './event.ts';
import { Reports } from './reporter.ts';
import { refusal, writeOf } from './sample-events.ts';
import { openSink, Sink } from './sink.ts';

const root = mkdtempSync(join(tmpdir(), 'reporter-'));
after(() => rmSync(root, { recursive: true }));

const POLICY: Policy = { files: { writable: [] }, network: undefined, unixSockets: [] };
const ALLOWED = refusal('write', { kind: 'none' }, { verdict: 'allowed', errno: 0 });

interface Case {
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly logTo?: string;
  readonly failed?: boolean;
  readonly events: readonly ReferralEvent[];
}

/** What is on the screen afterwards, the lines of the log, and whether allowed calls were wanted. */
function run({ verbose = false, quiet = false, logTo, failed = false, events }: Case): {
  screen: string;
  logged: string[];
  wantsAllowed: boolean;
} {
  const fd = openSync(join(root, 'screen'), 'w');
  const log = logTo === undefined ? undefined : openSink({ kind: 'file', path: Buffer.from(logTo) });
  const environment = { HOME: '/home/ann', NO_COLOR: '1' };
  const reports = new Reports({ policy: POLICY, log, verbose, quiet, environment, screen: new Sink(fd) });
  for (const event of events) reports.report(event);
  assert.equal(reports.refused, events.filter(({ verdict }) => verdict === 'refused').length);
  reports.finish(failed);
  closeSync(fd);
  const logged =
    logTo === undefined || logTo === '/dev/full' ? [] : readFileSync(logTo, 'utf8').split('\n').slice(0, -1);
  return { screen: readFileSync(join(root, 'screen'), 'utf8'), logged, wantsAllowed: reports.wantsAllowed };
}

void test('the summary is for a command that failed, and one line for one that did not', () => {
  const events = [writeOf('/srv/x')];
  assert.equal(run({ events }).screen, 'secfilt: 1 operation was refused (secfilt -v shows them)\n');
  assert.equal(run({ events, quiet: true }).screen, '');
  assert.equal(run({ events: [] }).screen, '');
  assert.match(
    run({ events, failed: true }).screen,
    /^secfilt: 1 operation was refused\n.*--write-allow=\/srv\/x\n$/,
  );
  assert.equal(run({ events: [], failed: true }).screen, '');
  assert.equal(run({ events, failed: true, quiet: true }).screen, '');
  assert.equal(run({ events, failed: true, quiet: true, verbose: true }).screen, '');
});

void test('verbose tells of refusals as they happen, a repeated one once', () => {
  const events = [writeOf('/srv/x'), writeOf('/srv/x'), writeOf('/srv/\x1b'), writeOf('/srv/x')];
  assert.equal(
    run({ events, verbose: true }).screen,
    [
      'secfilt: refused write /srv/x (openat: EPERM)',
      'secfilt: refused write /srv/\\x1b (openat: EPERM)',
      'secfilt: refused write /srv/x (openat: EPERM)',
      'secfilt: 4 operations were refused',
      '  write /srv/x (3 times)   allow with --write-allow=/srv/x',
      "  write /srv/\\x1b          allow with $'--write-allow=/srv/\\x1b'",
      '',
    ].join('\n'),
  );
});

void test('the log has every refusal, and with verbose what was allowed as well', () => {
  const events = [writeOf('/srv/x'), ALLOWED, writeOf('/srv/x')];
  const plain = run({ events: events.filter((event) => event !== ALLOWED), logTo: join(root, 'plain') });
  assert.equal(plain.wantsAllowed, false);
  assert.equal(plain.logged.length, 2);
  assert.ok(plain.logged.every((line) => line.includes('"allow":"--write-allow=/srv/x"')));
  const verbose = run({ events, verbose: true, quiet: true, logTo: join(root, 'verbose') });
  assert.equal(verbose.wantsAllowed, true);
  assert.deepEqual(
    verbose.logged.map((line) => /"verdict":"(\w+)"/.exec(line)?.[1]),
    ['refused', 'allowed', 'refused'],
  );
  assert.equal(run({ events, verbose: true }).wantsAllowed, false);
});

void test('a log that could not be written is told of at the end, to the quiet too', () => {
  const events = [writeOf('/srv/x'), writeOf('/srv/y')];
  const loss =
    'secfilt: the log is incomplete, 2 of its lines could not be written: no space left on device\n';
  const count = 'secfilt: 2 operations were refused (secfilt -v shows them)\n';
  assert.equal(run({ events, logTo: '/dev/full' }).screen, count + loss);
  assert.equal(run({ events, logTo: '/dev/full', failed: true, quiet: true }).screen, loss);
});

void test('what the filter refuses is logged once for each call, and counted', () => {
  const event = { ...writeOf('/srv/x'), layer: 'filter', object: { kind: 'none' }, rule: 'refused' } as const;
  const events = [1, 2, 3].flatMap(() => [
    { ...event, call: 'chroot' },
    { ...event, call: 'mount' },
  ]);
  const { logged, screen } = run({ events, failed: true, logTo: join(root, 'bounded') });
  assert.deepEqual(
    logged.map((line) => /"call":"(\w+)"/.exec(line)?.[1]),
    ['chroot', 'mount'],
  );
  assert.match(
    screen,
    /^secfilt: 6 operations were refused\n  call chroot \(3 times\) +no option allows it\n/,
  );
});

void test('report() never throws', () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an event that is none
  const nonsense = { ...writeOf('/x'), object: { kind: 'path', path: null } } as unknown as ReferralEvent;
  const reports = new Reports({
    policy: POLICY,
    log: undefined,
    verbose: true,
    quiet: false,
    environment: {},
    screen: new Sink(1_000_000),
  });
  reports.report(nonsense);
  reports.report(writeOf('/x'));
  reports.finish(true);
  assert.equal(reports.refused, 2);
});
