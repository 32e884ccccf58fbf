import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeObject } from './describe.ts';

function described(names: readonly string[], protocol: 'tcp' | 'icmp' = 'tcp'): string {
  return describeObject({
    kind: 'address',
    address: Uint8Array.of(140, 82, 112, 6),
    port: 443,
    protocol,
    ...(names.length > 0 && { names }),
  });
}

void test('describeObject() speaks of hosts by name where it knows one', () => {
  assert.equal(described([]), '140.82.112.6 port 443 tcp');
  assert.equal(described(['api.github.com']), 'api.github.com (140.82.112.6) port 443 tcp');
  assert.equal(described(['a.b', 'c.d'], 'icmp'), 'a.b, c.d (140.82.112.6) icmp');
  assert.equal(described(['a', 'b', 'c', 'd', 'e']), 'a, b, c, 2 more (140.82.112.6) port 443 tcp');
  assert.equal(described(['a\u001b[2J']), String.raw`a\x1b[2J (140.82.112.6) port 443 tcp`);
});
