import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfaceMounts, parseInterfaceMounts } from './mounts.ts';

void test('interfaces of the kernel are found wherever they are mounted, and nothing else', () => {
  const table = String.raw`22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
33 31 0:30 / /mnt/a\040b\134c\012d rw - cgroup2 none rw
34 31 0:30 /sys /srv/part ro,nosuid shared:2 master:3 - proc none rw
35 31 0:40 / /home/proc rw - tmpfs proc rw
`;
  assert.deepEqual(
    parseInterfaceMounts(table).map((path) => path.toString()),
    ['/proc', '/mnt/a b\\c\nd', '/srv/part'],
  );
});

void test('an odd table yields nothing', () => {
  assert.deepEqual(parseInterfaceMounts('\n - proc\nx y - proc\n'), []);
});

void test("this machine's own /proc is among them", () => {
  assert.ok(interfaceMounts().some((path) => path.toString() === '/proc'));
});
