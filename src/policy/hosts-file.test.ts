import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from './address-text.ts';
import { hostsOf } from './hosts-file.ts';
import { searchDomains } from './resolv-conf.ts';

void test('hostsOf() takes names and aliases, and passes over what is none', () => {
  const text = `127.0.0.1\tlocalhost  Local.Host.\n# 10.0.0.1 no\n::1 localhost ip6 # 10.0.0.2 no\n\n10.0.0.3\n300.0.0.1 no\nfe80::1%eth0 no\n 10.0.0.4 indented\r\n::ffff:10.0.0.5 mapped`;
  assert.deepEqual(
    hostsOf(text).map(({ name, address }) => `${name} ${formatAddress(address)}`),
    [
      'localhost 127.0.0.1',
      'local.host 127.0.0.1',
      'localhost ::1',
      'ip6 ::1',
      'indented 10.0.0.4',
      'mapped 10.0.0.5',
    ],
  );
});

void test('searchDomains() are those of the last line that has some', () => {
  assert.deepEqual(searchDomains(''), []);
  assert.deepEqual(searchDomains('domain Corp.Example\n'), ['corp.example']);
  assert.deepEqual(searchDomains('search a.example\nsearch b.example. C.example\nnameserver 10.0.0.1\n'), [
    'b.example',
    'c.example',
  ]);
  assert.deepEqual(searchDomains('#search a.example\n'), []);
});
