import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AccessFs, Scope, createRuleset, landlockAbi } from '../linux/landlock.ts';
import { close } from '../linux/libc.ts';
import { grantedRights, rulesetAttributes, writeRights } from './landlock.ts';

describe('writeRights()', () => {
  const added: [number, number][] = [
    [2, AccessFs.REFER],
    [3, AccessFs.TRUNCATE],
    [4, 0],
    [5, AccessFs.IOCTL_DEV],
    [6, 0],
    [7, 0],
  ];
  for (const [abi, right] of added) {
    test(`of ABI ${abi} are those of the one before and ${right}`, () => {
      assert.equal(writeRights(abi), writeRights(abi - 1) | right);
      assert.equal(writeRights(abi - 1) & right, 0);
    });
  }

  test('never hold a right to read or execute, and are none without Landlock', () => {
    const reading = AccessFs.EXECUTE | AccessFs.READ_FILE | AccessFs.READ_DIR;
    for (let abi = 0; abi < 10; abi += 1) assert.equal(writeRights(abi) & reading, 0);
    assert.equal(writeRights(0), 0);
  });
});

describe('grantedRights()', () => {
  test('give a file only what is valid for files, and nobody device nodes', () => {
    const all = writeRights(7);
    assert.equal(grantedRights(all, false), AccessFs.WRITE_FILE | AccessFs.TRUNCATE | AccessFs.IOCTL_DEV);
    assert.equal(grantedRights(writeRights(1), false), AccessFs.WRITE_FILE);
    const devices = AccessFs.MAKE_CHAR | AccessFs.MAKE_BLOCK;
    assert.equal(grantedRights(all, true), all & ~devices);
  });
});

describe('rulesetAttributes()', () => {
  test('handle nothing beyond the ABI', () => {
    for (let abi = 1; abi < 6; abi += 1) assert.equal(rulesetAttributes(abi, true, true, true)?.scoped, 0);
    assert.equal(rulesetAttributes(6, true, true, true)?.scoped, Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET);
    assert.equal(rulesetAttributes(6, true, false, true)?.scoped, Scope.SIGNAL);
    assert.equal(rulesetAttributes(0, true, true, true), undefined);
  });

  test('handle truncation only where no supervisor performs it', () => {
    const [alone, supervised] = [false, true].map((each) => rulesetAttributes(7, true, true, each));
    assert.equal(alone?.handledAccessFs, writeRights(7));
    assert.equal(supervised?.handledAccessFs, writeRights(7) & ~AccessFs.TRUNCATE);
  });

  test('the kernel takes those of every ABI that it has', (context) => {
    const own = landlockAbi();
    if (own === 0) return context.skip('this kernel has no Landlock');
    for (let abi = 1; abi <= own; abi += 1) {
      for (const [restrictsFiles, supervised] of [
        [true, true],
        [true, false],
        [false, true],
      ] as const) {
        const attributes = rulesetAttributes(abi, restrictsFiles, true, supervised);
        assert.ok(attributes);
        const descriptor = createRuleset(attributes, abi);
        assert.ok(descriptor >= 0, `ABI ${abi}: ${descriptor}`);
        close(descriptor);
      }
    }
  });
});
