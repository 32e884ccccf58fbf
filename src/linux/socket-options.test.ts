import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTION_LEVELS } from './socket-options.ts';

for (const { name, last, unused, harmless, protocol, routing } of OPTION_LEVELS) {
  void test(`S07 every option of ${name} up to ${last} has its line`, () => {
    const numbers = [harmless, protocol, routing].flatMap((options) => Object.values(options));
    assert.deepEqual(
      [...numbers, ...unused].toSorted((a, b) => a - b),
      // SOL_SOCKET has no option 0.
      Array.from({ length: last + 1 }, (_, number) => number).filter(
        (number) => number > 0 || name !== 'SOL_SOCKET',
      ),
    );
  });
}

void test('S07 docs/network.md names every option that is refused', () => {
  const text = readFileSync(new URL('../../../docs/network.md', import.meta.url), 'utf8');
  for (const { protocol, routing } of OPTION_LEVELS) {
    for (const name of [...Object.keys(protocol), ...Object.keys(routing)])
      assert.match(text, new RegExp(`\`${name}\``), `${name} is not there`);
  }
});
