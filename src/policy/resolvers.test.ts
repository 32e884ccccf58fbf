import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatAddress } from './address-text.ts';
import { parseResolvers, systemResolvers } from './resolvers.ts';
import { ValueError } from './value-error.ts';

const resolversOf = (text: string): string[] =>
  parseResolvers(text).map(({ address, port }) => `${formatAddress(address)} ${port}`);

void test('parseResolvers() takes the nameserver lines as glibc does', () => {
  const rows: [string, string[]][] = [
    ['nameserver 10.0.0.1\n', ['10.0.0.1 53']],
    ['nameserver\t10.0.0.1 # the first', ['10.0.0.1 53']],
    ['nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.1\n', ['10.0.0.1 53', '10.0.0.2 53']],
    [
      'nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4',
      ['1.1.1.1 53', '2.2.2.2 53', '3.3.3.3 53', '4.4.4.4 53'],
    ],
    ['nameserver fe80::1%eth0\n', ['fe80::1 53']],
    ['nameserver ::ffff:10.0.0.1\n', ['10.0.0.1 53']],
    ['nameserver 0.0.0.0\nnameserver ::\n', ['127.0.0.1 53', '::1 53']],
    ['# nameserver 10.0.0.1\n; nameserver 10.0.0.2\n', ['127.0.0.1 53']],
    [' nameserver 10.0.0.1\n', ['127.0.0.1 53']],
    ['nameserver10.0.0.1\nnameservers 10.0.0.2\nNAMESERVER 10.0.0.3', ['127.0.0.1 53']],
    ['nameserver 10.0.0.1\r\n', ['127.0.0.1 53']],
    ['nameserver 10.0.0.1%eth0\nnameserver example.com\nnameserver 010.0.0.1\n', ['127.0.0.1 53']],
    ['nameserver\n', ['127.0.0.1 53']],
    ['search example.com\noptions edns0\n', ['127.0.0.1 53']],
    ['', ['127.0.0.1 53']],
    ['\xff\xfe nameserver \0', ['127.0.0.1 53']],
  ];
  for (const [text, expected] of rows) assert.deepEqual(resolversOf(text), expected, JSON.stringify(text));
});

void test('systemResolvers() falls back where there is no file, and fails where it cannot be read', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'resolvers-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'resolv.conf');
  assert.deepEqual(systemResolvers(file), parseResolvers(''));
  writeFileSync(file, 'nameserver 10.9.8.7\n');
  assert.deepEqual(systemResolvers(file), parseResolvers('nameserver 10.9.8.7'));
  assert.throws(() => systemResolvers(directory), ValueError);
});
