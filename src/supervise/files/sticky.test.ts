import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG } from '../../linux/files.ts';
import { isProtected } from './sticky.ts';

const USER = 1000;
const OTHER = 1001;
const tmp = { mode: S_IFDIR | 0o1777, owner: 0 };
const group = { mode: S_IFDIR | 0o1775, owner: 0 };
const plain = { mode: S_IFDIR | 0o777, owner: 0 };
const file = (type: number, owner: number) => ({ mode: type | 0o666, owner });

void test('what another has put into a sticky directory of all is not opened with O_CREAT, as the settings say', () => {
  for (const [regular, fifos] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
    [2, 2],
  ] as const) {
    const asked = (directory: typeof tmp, type: number, owner: number): boolean =>
      isProtected({ directory, file: file(type, owner) }, USER, { regular, fifos });
    assert.equal(asked(tmp, S_IFREG, OTHER), regular > 0);
    assert.equal(asked(tmp, S_IFIFO, OTHER), fifos > 0);
    assert.equal(asked(group, S_IFREG, OTHER), regular === 2);
    assert.equal(asked(group, S_IFIFO, OTHER), fifos === 2);
    assert.equal(asked(tmp, S_IFCHR, OTHER), true);
    for (const type of [S_IFREG, S_IFIFO]) {
      assert.equal(asked(tmp, type, USER), false, 'one’s own');
      assert.equal(asked(tmp, type, 0), false, 'of who owns the directory');
      assert.equal(asked(plain, type, OTHER), false, 'not sticky');
    }
    assert.equal(asked(tmp, S_IFDIR, OTHER), false);
  }
});
