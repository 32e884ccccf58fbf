import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { readableDevices } from './reading-facts.ts';

void test('disks are found where nobody lists them', () => {
  const listed = readableDevices().map(String);
  const found = readableDevices('/nonexistent').map(String);
  assert.deepEqual(
    listed.filter(
      (path) => /^\/dev\/[^/]+$/.test(path) && statSync(path).isBlockDevice() && !found.includes(path),
    ),
    [],
  );
  for (const path of found) assert.ok(statSync(path).isBlockDevice(), path);
});
