import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networksOf } from '../../policy/destination-words.ts';
import { parseAddress } from '../../policy/networks.ts';
import type { AddressBytes } from '../../policy/policy.ts';
import { hostsOf, zonesOf, type NamedNetworks } from './hosts.ts';
import type { CountedEndpoint, CountedName } from './lessons.ts';

const SETS: NamedNetworks = ['private', 'loopback'].map((set) => [set, networksOf(set)]);

function address(text: string): AddressBytes {
  return parseAddress(text) ?? assert.fail(text);
}

function name(text: string, ...addresses: readonly string[]): CountedName {
  return { name: text, addresses: addresses.map(address), count: 1 };
}

function reached(
  names: readonly string[],
  port: number,
  protocol: CountedEndpoint['protocol'] = 'tcp',
  at = '203.0.113.5',
): CountedEndpoint {
  return { address: address(at), port, protocol, isQuestion: false, names, count: 1 };
}

const words = (names: readonly CountedName[], endpoints: readonly CountedEndpoint[]): string[] =>
  hostsOf(names, endpoints, SETS).map(({ word }) => word);

void test('several ports of one name are one word', () => {
  const endpoints = [443, 80, 443, 8000, 8001, 8002].map((port) => reached(['a.example'], port));
  assert.deepEqual(words([name('a.example')], endpoints), ['a.example:80,443,8000-8002']);
});

void test('an address of several names is one of each', () => {
  assert.deepEqual(
    words([name('a.example'), name('b.example')], [reached(['a.example', 'b.example'], 443)]),
    ['a.example:443', 'b.example:443'],
  );
});

void test('what was looked up alone opens no port that anybody serves', () => {
  assert.deepEqual(words([name('a.example')], []), ['a.example:9/udp']);
});

void test('a service of a name that was reached needs no word', () => {
  const names = [name('_db._tcp.a.example'), name('a.example'), name('_db._tcp.b.example')];
  assert.deepEqual(words(names, [reached(['a.example'], 5432)]), [
    'a.example:5432',
    '_db._tcp.b.example:9/udp',
  ]);
});

void test('where a name points into networks of one’s own is said', () => {
  const names = [name('a.example', '10.0.0.1', '203.0.113.5'), name('b.example', '0.0.0.7', '127.0.0.1')];
  assert.deepEqual(words(names, [reached(['a.example'], 1)]), [
    'a.example:1@private',
    'b.example:9/udp@0.0.0.7@loopback',
  ]);
});

void test('what has no port needs them all, which a person decides where there are others', () => {
  const ping = reached(['a.example'], 0, 'icmp');
  assert.deepEqual(words([name('a.example')], [ping]), ['a.example']);
  const [both] = hostsOf([name('a.example')], [ping, reached(['a.example'], 443)], SETS);
  assert.deepEqual([both?.word, both?.portless], ['a.example:443', ['icmp']]);
});

void test('a zone is suggested from nine of its names on', () => {
  const many = Array.from({ length: 9 }, (_, index) => `n${index}.cdn.example`);
  const endpoints = many.map((one, index) => reached([one], index % 2 === 0 ? 443 : 80));
  const zones = (count: number): string[] =>
    zonesOf(
      hostsOf(
        many.slice(0, count).map((one) => name(one)),
        endpoints,
        SETS,
      ),
      endpoints,
    );
  assert.deepEqual(zones(8), []);
  assert.deepEqual(zones(9), ['*.cdn.example:80,443']);
});
