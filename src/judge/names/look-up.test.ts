import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationRule } from '../../policy/destinations.ts';
import type { Network } from '../../policy/addresses.ts';
import { isOfInternet } from './internet-addresses.ts';
import {
  judgeAnswer,
  judgeLookUp,
  type AskedName,
  type LookUpPolicy,
  type LookUpVerdict,
} from './look-up.ts';
import { LookUpRules } from './look-up-rules.ts';
import { GRACE, NameTable } from './name-table.ts';
import type { AskedType, DnsRecord } from './record.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text.split('.').map(Number));
const v6 = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(':', ''), 'hex'));
const TEN: Network = { address: bytes('10.0.0.0'), prefix: 8 };

function rule(
  effect: 'allow' | 'deny',
  name: string,
  more: Partial<Pick<DestinationRule, 'ports' | 'protocol' | 'mayPointTo'>> = {},
): DestinationRule {
  const zone = name.startsWith('*');
  const labels = name === '*' ? [] : name.replace('*.', '').split('.');
  const to = { kind: 'host', name: { labels, zone } } as const;
  return { effect, to, ports: undefined, protocol: undefined, said: name, ...more };
}

const WEB = { ports: [{ first: 443, last: 443 }] };

void test('a name may be looked up where something of it is allowed', () => {
  const rules = new LookUpRules([
    rule('allow', 'a.example', WEB),
    rule('allow', '*.zone.example'),
    rule('deny', 'bad.zone.example'),
    rule('deny', '*.deep.zone.example'),
    rule('allow', 'good.deep.zone.example', WEB),
    rule('deny', 'half.zone.example', WEB),
    rule('deny', 'mixed.example'),
    rule('allow', 'mixed.example', WEB),
  ]);
  const rows: [string, string][] = [
    ['a.example', 'allow'],
    ['b.a.example', 'none'],
    ['xa.example', 'none'],
    ['zone.example', 'none'],
    ['x.zone.example', 'allow'],
    ['x.y.zone.example', 'allow'],
    ['bad.zone.example', 'deny'],
    ['x.bad.zone.example', 'allow'],
    ['x.deep.zone.example', 'deny'],
    ['good.deep.zone.example', 'allow'],
    ['deep.zone.example', 'allow'],
    ['half.zone.example', 'allow'],
    ['mixed.example', 'allow'],
    ['', 'none'],
  ];
  for (const [name, verdict] of rows) assert.equal(rules.judge(name), verdict, name);
  assert.equal(new LookUpRules([rule('allow', '*')]).judge('any.name'), 'allow');
});

function policy(rules: readonly DestinationRule[], more: Partial<LookUpPolicy> = {}): LookUpPolicy {
  return { rules: new LookUpRules(rules), known: new NameTable(), others: false, search: [], ...more };
}

const asked = (name: string | undefined, type: AskedType | 'other' = 'A', isInternet = true): AskedName => ({
  name,
  type: type === 'other' ? undefined : type,
  isInternet,
});

void test('which questions leave', () => {
  const known = new NameTable();
  known.note('a.example', bytes('192.0.2.7'), 60);
  known.note('a.example', v6('2001:0db8:0000:0000:0000:0000:0000:0001'), 60);
  const all = policy([rule('allow', 'a.example'), rule('deny', 'no.example')], {
    known,
    search: ['corp.example'],
  });
  const verdict = (...of: Parameters<typeof asked>): LookUpVerdict => judgeLookUp(asked(...of), all);
  const rows: [Parameters<typeof asked>, string][] = [
    [['a.example'], 'ask'],
    [['a.example', 'HTTPS'], 'ask'],
    [['a.example', 'SRV'], 'ask'],
    [['_db._tcp.a.example', 'SRV'], 'ask'],
    [['_8443._https.a.example', 'HTTPS'], 'ask'],
    [['_db._tcp.a.example', 'A'], '3'],
    [['x._db._tcp.a.example', 'SRV'], '3'],
    [['_this-is-a-secret-in-a-label._tcp.a.example', 'SRV'], '3'],
    [['a.example', 'other'], '0'],
    [['a.example', 'PTR'], '0'],
    [['a.example', 'A', false], '5'],
    [[undefined], '3'],
    [['b.example'], '3'],
    [['no.example'], '3'],
    [['7.2.0.192.in-addr.arpa', 'PTR'], 'ask'],
    [['8.2.0.192.in-addr.arpa', 'PTR'], '3'],
    [['7.2.0.192.in-addr.arpa', 'A'], '3'],
    [['999.2.0.192.in-addr.arpa', 'PTR'], '3'],
    [[`1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`, 'PTR'], 'ask'],
    [[`2.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`, 'PTR'], '3'],
  ];
  for (const [of, kind] of rows) {
    const said = verdict(...of);
    assert.equal(said.kind === 'ask' ? 'ask' : String(said.code), kind, String(of));
  }
  // A library's own next try is no matter of anybody's.
  const tries = (name: string): unknown => {
    const said = verdict(name);
    return said.kind === 'answer' && said.refused;
  };
  assert.equal(tries('a.example.corp.example'), undefined);
  assert.equal(tries('b.example.corp.example'), 'b.example.corp.example');
});

void test('where nothing but denials is said, the others are asked and give no rights', () => {
  const open = policy([rule('deny', 'no.example')], { others: true });
  assert.deepEqual(judgeLookUp(asked('b.example'), open), {
    kind: 'ask',
    name: 'b.example',
    type: 'A',
    grants: false,
  });
  assert.equal(judgeLookUp(asked('no.example'), open).kind, 'answer');
});

const a = (owner: string, text: string): DnsRecord => ({
  owner,
  timeToLive: 60,
  data: { type: 'A', address: bytes(text), text },
});
const alias = (owner: string, target: string): DnsRecord => ({
  owner,
  timeToLive: 60,
  data: { type: 'CNAME', target },
});

void test('of an answer only the chain and its end are passed on', () => {
  const rules = new LookUpRules([
    rule('allow', 'a.example', { mayPointTo: [TEN] }),
    rule('deny', '*.tracker.example'),
  ]);
  const ask = { kind: 'ask', name: 'a.example', type: 'A', grants: true } as const;
  const judged = (...records: readonly DnsRecord[]): unknown => {
    const verdict = judgeAnswer(ask, records, rules);
    if (verdict.kind === 'denied') return verdict.name;
    return [verdict.records.length, verdict.given.length, verdict.dropped.length];
  };
  assert.deepEqual(judged(a('a.example', '192.0.2.1')), [1, 1, 0]);
  assert.deepEqual(judged(a('b.example', '192.0.2.1')), [0, 0, 0], 'of another name');
  assert.deepEqual(
    judged(alias('a.example', 'b.example'), a('b.example', '192.0.2.1'), a('c.example', '192.0.2.2')),
    [2, 1, 0],
  );
  assert.deepEqual(
    judged(a('c.example', '192.0.2.1'), alias('b.example', 'c.example'), alias('a.example', 'b.example')),
    [3, 1, 0],
    'mixed',
  );
  assert.deepEqual(judged(alias('a.example', 'a.example')), [0, 0, 0], 'a circle');
  assert.deepEqual(
    judged(alias('a.example', 'x.tracker.example'), a('x.tracker.example', '192.0.2.1')),
    'x.tracker.example',
  );
  assert.deepEqual(
    judged(a('a.example', '192.168.0.1'), a('a.example', '10.9.9.9'), a('a.example', '127.0.0.1')),
    [1, 1, 2],
  );
});

void test('an address is also that of a name in the chain of which a port is denied', () => {
  const ports = [{ first: 22, last: 22 }];
  const rules = new LookUpRules([
    rule('allow', 'a.example', { mayPointTo: [TEN] }),
    rule('deny', 'b.example', { ports }),
  ]);
  const ask = { kind: 'ask', name: 'a.example', type: 'A', grants: true } as const;
  const chain = [alias('a.example', 'c.example'), alias('c.example', 'b.example')];
  const names = (text: string): unknown => {
    const verdict = judgeAnswer(ask, [...chain, a('b.example', text)], rules);
    return verdict.kind === 'pass' && verdict.given.map(({ name }) => name);
  };
  assert.deepEqual(names('192.0.2.1'), ['a.example', 'b.example']);
  assert.deepEqual(names('10.0.0.1'), ['a.example'], 'where that one may not point');
});

void test('which addresses are of the internet', () => {
  const outside = [
    '0.0.0.0',
    '10.1.1.1',
    '100.64.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ];
  const inside = [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.2.1',
    '223.255.255.255',
  ];
  for (const text of outside) assert.equal(isOfInternet(bytes(text)), false, text);
  for (const text of inside) assert.equal(isOfInternet(bytes(text)), true, text);
  const rows: [string, boolean][] = [
    ['00000000000000000000000000000000', false],
    ['00000000000000000000000000000001', false],
    ['fe800000000000000000000000000001', false],
    ['fc000000000000000000000000000001', false],
    ['ff020000000000000000000000000001', false],
    ['00000000000000000000ffff7f000001', false],
    ['0064ff9b00000000000000000a000001', false],
    ['0064ff9b000000000000000001010101', true],
    ['20020a00000100000000000000000001', false],
    ['20010000000000000000000000000001', false],
    ['20010db8000000000000000000000005', true],
    ['2a000000000000000000000000000001', true],
  ];
  for (const [hex, expected] of rows) assert.equal(isOfInternet(v6(hex)), expected, hex);
});

void test('names are known for their time and an hour, and no more of them than there is room for', () => {
  let now = 0;
  const table = new NameTable(() => now, 100);
  const address = bytes('192.0.2.1');
  table.note('a.example', address, 10);
  table.note('file.example', address, Infinity);
  now = 10_000 + GRACE - 1;
  assert.deepEqual(table.namesOf(address), ['a.example', 'file.example']);
  now += 1;
  assert.deepEqual(table.namesOf(address), ['file.example']);
  assert.equal(table.size, 1);
  for (let index = 0; index < 5000; index += 1)
    table.note(`${index}.example`, bytes(`192.0.${index >> 8}.${index & 255}`), 60);
  assert.ok(table.size <= 100, String(table.size));
  assert.deepEqual(table.namesOf(bytes('192.0.19.135')), ['4999.example']);
  for (let index = 0; index < 5000; index += 1) table.note(`${index}.example`, address, 60);
  assert.ok(table.size <= 100, String(table.size));
  const large = new NameTable(() => now);
  large.note('file.example', address, Infinity);
  for (let index = 0; index < 1000; index += 1) large.note(`${index}.example`, address, 60);
  const names = large.namesOf(address);
  assert.deepEqual(
    [names.length, large.size, names[0], names.at(-1)],
    [256, 256, 'file.example', '999.example'],
  );
  // A time that is no time.
  table.note('long.example', bytes('198.51.100.1'), 2 ** 31);
  now += 604_800_000 + GRACE;
  assert.deepEqual(table.namesOf(bytes('198.51.100.1')), []);
});
