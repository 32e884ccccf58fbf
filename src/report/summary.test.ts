import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Policy } from '../policy/policy.ts';
import { Advisor } from './advice.ts';
import { colourful } from './colour.ts';
import type { ReferralEvent } from './event.ts';
import { Refusals } from './refusals.ts';
import { connectTo, refusal, writeOf } from './sample-events.ts';
import { renderSummary } from './summary.ts';

const HOME = [Buffer.from('/home/ann'), Buffer.from('/var/lib/jenkins')];
const POLICY: Policy = {
  files: { writable: [] },
  network: { kind: 'listed', networks: [], ports: undefined, endpoints: [] },
  unixSockets: [],
};

function collect(events: Iterable<ReferralEvent>): Refusals {
  const advisor = new Advisor(POLICY, () => HOME, '/nonexistent');
  const refusals = new Refusals();
  for (const event of events) refusals.add(event, (unseen) => advisor.advise(unseen));
  return refusals;
}

function summaryOf(...events: ReferralEvent[]): string {
  return renderSummary(collect(events), HOME);
}

/** writeOf() takes bytes for characters. */
function writeUtf8(path: string): ReferralEvent {
  return writeOf(Buffer.from(path).toString('latin1'));
}

function times(count: number, event: ReferralEvent): ReferralEvent[] {
  return Array.from({ length: count }, () => event);
}

/** Lines on a terminal of 80 columns, on which all but ASCII is wide. What does not fit whole goes to the next line. */
function screenLines(text: string): number {
  let lines = 0;
  for (const line of text.trimEnd().split('\n')) {
    let column = 0;
    lines += 1;
    for (const character of line) {
      const width = character <= '~' ? 1 : 2;
      if (column + width > 80) lines += 1;
      column = column + width > 80 ? width : column + width;
    }
  }
  return lines;
}

void test('renderSummary() says what was refused and the option that would allow it', () => {
  assert.equal(
    summaryOf(writeOf('/home/ann/b'), connectTo([10, 1, 2, 3], 443)),
    [
      'secfilt: 2 operations were refused',
      '  write   /home/ann/b             allow with --write-allow=/home/ann/b',
      '  connect 10.1.2.3 port 443 tcp   allow with --allowed-netmasks=10.1.2.3',
      '',
    ].join('\n'),
  );
  assert.equal(summaryOf(), '');
});

void test('renderSummary() counts, puts the most frequent first, marks what is sensitive and what nothing allows', () => {
  assert.equal(
    summaryOf(
      refusal('signal', { kind: 'process', pid: 7 }, { rule: 'signals do not leave the sandbox' }),
      writeOf('/home/ann/.bashrc'),
      writeOf('/srv/x'),
      ...times(3, writeOf('/srv/data/y')),
    ),
    [
      'secfilt: 6 operations were refused',
      '  write  /srv/data/y (3 times)   allow with --write-allow=/srv/data/y',
      '  write  /srv/x                  allow with --write-allow=/srv/x',
      '  write  /home/ann/.bashrc       sensitive (shell start-up): no option is suggested',
      '  signal process 7               no option allows it',
      '',
    ].join('\n'),
  );
  assert.match(summaryOf(writeOf('/srv/x')), /^secfilt: 1 operation was refused\n/);
});

void test('renderSummary() makes one row of many paths in a directory, but not of a home', () => {
  const inBuild = Array.from({ length: 40 }, (_, i) => writeOf(`/home/ann/project/build/${i}`));
  const create = refusal('create', { kind: 'path', path: Buffer.from('/home/ann/project/build/new') });
  assert.equal(
    summaryOf(...inBuild, create),
    'secfilt: 41 operations were refused\n' +
      '  change /home/ann/project/build/ (41 paths)   allow with --write-allow=/home/ann/project/build\n',
  );
  const packages = Array.from({ length: 400 }, (_, i) => writeOf(`/p/q/node_modules/m${i >> 2}/${i}`));
  assert.match(
    summaryOf(...packages),
    /\/p\/q\/node_modules\/ \(400 paths\) +allow with --write-allow=\/p\/q\/node_modules\n$/,
  );
  const atHome = Array.from({ length: 30 }, (_, i) => writeOf(`/home/ann/${i}`));
  assert.doesNotMatch(summaryOf(...atHome), /--write-allow=\/home\/ann\n/);
});

void test('S09 no row of many paths is above a home, or above anything sensitive that was refused', () => {
  const besideHome = Array.from({ length: 5 }, (_, i) => writeOf(`/var/lib/${i}/x`));
  assert.doesNotMatch(summaryOf(...besideHome), /--write-allow=\/var\/lib\n/);
  const inProject = Array.from({ length: 5 }, (_, i) => writeOf(`/srv/p/${i}/x`));
  assert.match(summaryOf(...inProject), /--write-allow=\/srv\/p\n/);
  const hook = writeOf('/srv/p/.git/hooks/post-commit');
  const text = summaryOf(...inProject, hook);
  assert.doesNotMatch(text, /--write-allow=\/srv\/p\n/);
  assert.match(text, /hooks\/post-commit +sensitive \(runs commands\)/);
  // The home itself, or what is above it, is not advised for a change of its own either.
  assert.match(summaryOf(writeOf('/var/lib')), /sensitive \(holds a home directory\)/);
});

void test('S09 the summary of deep paths takes no time and no memory to speak of', () => {
  const deep = Array.from({ length: 500 }, (_, i) => writeOf(`/srv/${i}${'/a'.repeat(2000)}`));
  assert.match(summaryOf(...deep), /^secfilt: 500 operations/);
});

void test('renderSummary() shows something sensitive whatever flood surrounds it', () => {
  const flood = Array.from({ length: 5000 }, (_, i) => connectTo([10, 0, i >> 8, i & 255], 80));
  const summary = summaryOf(...flood, writeOf('/home/ann/.ssh/authorized_keys'), ...flood);
  assert.match(summary, /sensitive \(keys\)/);
  assert.match(summary, /\n {2}and \d+ more: --log=FILE keeps them all\n$/);
  assert.match(summary, /^secfilt: 10001 operations were refused\n/);
});

void test('Refusals stays small however much is refused', () => {
  const refusals = collect(writesEverywhere(100_000));
  assert.equal(refusals.total, 100_000);
  assert.ok(refusals.groups.length <= 600);
  assert.equal(refusals.ungrouped, 100_000 - refusals.groups.length);
});

void test('renderSummary() aligns and cuts by columns, wide and joining characters included', () => {
  const long = '長'.repeat(70);
  assert.equal(
    summaryOf(
      writeUtf8('/srv/日本'),
      writeUtf8('/opt/e\u0301'),
      writeUtf8('/var/🙂'),
      writeUtf8(`/mnt/${long}`),
    ),
    [
      'secfilt: 4 operations were refused',
      `  write /srv/日本${' '.repeat(38)}allow with '--write-allow=/srv/日本'`,
      `  write /opt/e\u0301${' '.repeat(41)}allow with '--write-allow=/opt/e\u0301'`,
      `  write /var/🙂${' '.repeat(40)}allow with '--write-allow=/var/🙂'`,
      `  write /mnt/${'長'.repeat(11)}...${'長'.repeat(14)}   allow with '--write-allow=/mnt/${long}'`,
      '',
    ].join('\n'),
  );
});

void test('renderSummary() is at most a screen where every character is wide', () => {
  const events = Array.from({ length: 60 }, (_, i) =>
    refusal('write', {
      kind: 'path',
      path: Buffer.from(`/${'長'.repeat(1 + i)}/${i}/${'名'.repeat(i % 30)}`),
    }),
  );
  for (let count = 1; count <= events.length; count += 1) {
    const summary = summaryOf(...events.slice(0, count));
    assert.ok(screenLines(summary) <= 20, summary);
  }
});

void test('renderSummary() is at most a screen of printable text that accounts for every refusal', () => {
  const component = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((array) => Buffer.from(array).toString('latin1'));
  const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const longPath = path.map((text) => text + '/very-long'.repeat(60));
  const event = fc.oneof(
    path.map(writeOf),
    longPath.map(writeOf),
    path.map((text) => writeOf(`/etc${text}`)),
    path.map((text) => refusal('connect', { kind: 'unix-path', path: Buffer.from(`/run${text}`, 'latin1') })),
    fc.tuple(fc.nat(255), fc.nat(65535)).map(([byte, port]) => connectTo([10, 0, 0, byte], port)),
    fc
      .nat()
      .map((pid) =>
        refusal('signal', { kind: 'process', pid }, { rule: 'signals do not leave the sandbox' }),
      ),
  );
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), (events) => {
      const summary = summaryOf(...events);
      assert.ok(screenLines(summary) <= 20, summary);
      assert.doesNotMatch(summary.replaceAll('\n', ''), /[\p{C}\p{Zl}\p{Zp}]/u);
      const rows = summary.trimEnd().split('\n').slice(1);
      assert.ok(rows.length > 0 && rows.every((row) => row.startsWith('  ')));
    }),
    { numRuns: 500 },
  );
});

void test('renderSummary() colours on demand, and only then', () => {
  const refusals = collect([writeOf('/srv/x'), writeOf('/etc/x')]);
  const coloured = renderSummary(refusals, HOME, colourful);
  assert.ok(coloured.includes('\u001b['));
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), renderSummary(refusals, HOME));
});

function* writesEverywhere(count: number): Iterable<ReferralEvent> {
  for (let i = 0; i < count; i += 1) yield writeOf(i % 2 === 0 ? `/srv/${i}` : `/etc/${i}`);
}
