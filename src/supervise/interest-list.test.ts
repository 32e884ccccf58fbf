import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { InterestList } from './interest-list.ts';

/** A FIFO that is open both ways: it is readable as soon as something was written to it. */
function makePipe(t: TestContext, name: string): number {
  const path = join(tmpdir(), `interest-${process.pid}-${name}`);
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, 'r+');
  rmSync(path);
  t.after(() => closeSync(descriptor));
  return descriptor;
}

void test('each that is ready has its turn, as long as it is watched', (t) => {
  const list = new InterestList();
  t.after(() => list.close());
  const [one, other] = [makePipe(t, 'one'), makePipe(t, 'other')];
  const said: string[] = [];
  list.watch(one, () => said.push('one'));
  list.watch(other, () => said.push('other'));
  assert.equal(list.wait(0), 0);
  writeSync(one, 'x');
  writeSync(other, 'x');
  list.goOn(list.wait(0));
  assert.deepEqual(said.toSorted(), ['one', 'other']);
  list.unwatch(other);
  list.goOn(list.wait(0));
  assert.deepEqual(said.slice(2), ['one']);
});

void test('an event that is out already is nobody else’s', (t) => {
  const list = new InterestList();
  t.after(() => list.close());
  const pipes = ['a', 'b', 'c'].map((name) => makePipe(t, name));
  const said: string[] = [];
  for (const pipe of pipes) {
    writeSync(pipe, 'x');
    // Whoever comes first takes the others away, and puts somebody else in their place.
    list.watch(pipe, () => {
      said.push('first');
      for (const each of pipes) {
        list.unwatch(each);
        readSync(each, Buffer.alloc(1));
        list.watch(each, () => said.push('later'));
      }
    });
  }
  list.goOn(list.wait(0));
  assert.deepEqual(said, ['first']);
});
