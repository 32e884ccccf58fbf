import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeniedPlaces } from './denied-places.ts';

const component = fc.constantFrom('a', 'b', 'ab', 'A', '\xff', ' ', '\n');
const parts = fc.array(component, { minLength: 1, maxLength: 5 });

function pathOf(names: readonly string[]): Buffer {
  return Buffer.from(`/${names.join('/')}`, 'latin1');
}

function isBeginning(short: readonly string[], long: readonly string[]): boolean {
  return short.length <= long.length && short.every((name, index) => name === long[index]);
}

void test('agrees with a comparison component by component', () => {
  let [held, led] = [0, 0];
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 4 }), parts, (places, path) => {
      const denied = new DeniedPlaces(places.map(pathOf));
      const has = places.some((place) => isBeginning(place, path));
      const leads = places.some((place) => place.length > path.length && isBeginning(path, place));
      assert.equal(denied.has(pathOf(path)), has);
      assert.equal(denied.leadsTo(pathOf(path)), leads);
      held += Number(has);
      led += Number(leads);
    }),
  );
  assert.ok(held > 0 && led > 0);
});

void test('the root leads nowhere that could be moved, and holds no place by itself', () => {
  const denied = new DeniedPlaces([Buffer.from('/a/b')]);
  assert.equal(denied.has(Buffer.from('/')), false);
  assert.equal(denied.leadsTo(Buffer.from('/')), false);
  assert.equal(denied.has(Buffer.from('pipe:[1]')), false);
});
