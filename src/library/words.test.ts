import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { errorFrom, PolicyError, SandboxError } from './errors.ts';
import type { Policy } from './policy.ts';
import { directoryOf, policyWords } from './words.ts';

const here = { cwd: '/here', home: '/home/ann' };

void test('policyWords() says what the command line says, with absolute paths', () => {
  const rows: [Policy, string[]][] = [
    [{}, []],
    [{ readOnly: true }, ['--read-only']],
    [{ readOnly: false }, ['--read-only=0']],
    [
      { write: { allow: ['.', '/a', '../b', '~', '~/c', 'd,e', './~'], own: ['t'], ownTmp: true } },
      [
        '--write-allow=/here/.',
        '--write-allow=/a',
        '--write-allow=/here/../b',
        '--write-allow=/home/ann',
        '--write-allow=/home/ann/c',
        String.raw`--write-allow=/here/d\,e`,
        '--write-allow=/here/./~',
        '--write-own=/here/t',
        '--own-tmp',
      ],
    ],
    [{ network: 'none', engine: 'trace' }, ['--no-outbound-network', '--engine=trace']],
    [
      { network: { netmasks: ['::1'], ports: ['1-2'], resolvers: true }, unixSockets: ['s', '@a,b'] },
      [
        '--allowed-netmasks=::1',
        '--allowed-ports=1-2',
        '--allow-resolv',
        '--allow-unix=/here/s',
        String.raw`--allow-unix=@a\,b`,
      ],
    ],
    [
      { write: { allow: ['$HOME'], own: ['$HOME'] } },
      [String.raw`--write-allow=/here/\$HOME`, '--write-own=/here/$HOME'],
    ],
    [
      {
        read: { allow: ['@system', '*.c'], deny: ['/', String.raw`a\*\$`] },
        write: { deny: [new URL('file:///a%5B')] },
      },
      [
        '--read-allow=@system',
        '--read-allow=/here/*.c',
        '--read-deny=/',
        String.raw`--read-deny=/here/a\*\$`,
        String.raw`--write-deny=/a\[`,
      ],
    ],
    [
      { sets: { mine: ['~/a,b', '@others'], others: ['@startup'] }, exec: { deny: ['@mine'] } },
      [String.raw`--exec-deny=/home/ann/a\,b`, '--exec-deny=@startup'],
    ],
  ];
  for (const [policy, words] of rows) assert.deepEqual(policyWords(policy, here), words);
});

function wrong(policy: unknown, home: string | undefined = here.home): () => string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a program without types would
  return () => policyWords(policy as Policy, { ...here, home });
}

void test('policyWords() throws a PolicyError that knows the key', () => {
  assert.throws(wrong({ network: { ports: [0] } }), {
    name: 'PolicyError',
    code: 'ERR_SECFILTER_POLICY',
    key: 'network.ports[0]',
    message: 'network.ports[0]: 0 is out of range: ports are 1 to 65535',
  });
  assert.throws(wrong({ write: { allow: ['~bob/x'] } }), {
    key: 'write.allow[0]',
    message: 'write.allow[0]: "~bob/x" names the home of another user: write "./~" for a file so called',
  });
  assert.throws(wrong({ write: { allow: ['~'] } }, ''), {
    message: 'write.allow[0]: "~" needs $HOME, which is not set',
  });
  assert.throws(wrong({ read: { allow: ['.'] } }), {
    key: 'read',
    message: 'read restricts nothing: all is allowed but what is denied: write deny: ["/"], or leave it out',
  });
  assert.throws(wrong({ sets: { a: ['@b'], b: ['@a'] }, read: { deny: ['@a'] } }), {
    key: 'sets.b[0]',
    message: 'sets.b[0]: "@a" is a set that holds itself: @a, which holds @b, which holds @a',
  });
  assert.throws(wrong({ sets: { secrets: ['.'] } }), {
    message: 'sets.secrets is a set of secfilt itself: name it otherwise',
  });
  assert.throws(wrong({ sets: { mine: [] } }), { key: 'sets.mine' });
  assert.throws(wrong(undefined), { name: 'PolicyError', key: undefined });
  assert.ok(new PolicyError('x') instanceof TypeError);
});

void test('what secfilt says about an option is said about the key', () => {
  const rows: [string, string, string | undefined][] = [
    [
      '--write-allow: "/a/--read-only" is in a directory that does not exist: /a',
      'write.allow: "/a/--read-only" is in a directory that does not exist: /a',
      'write.allow',
    ],
    [
      '--allow-unix has no effect: Unix sockets are open unless files or the network are restricted',
      'unixSockets has no effect: Unix sockets are open unless files or the network are restricted',
      'unixSockets',
    ],
    ['kernel: --write-own needs a supervisor', 'kernel: write.own needs a supervisor', undefined],
    ['--nonsense is there', '--nonsense is there', undefined],
  ];
  for (const [said, message, key] of rows) {
    const error = errorFrom(said);
    assert.equal(error.message, message);
    assert.equal(error instanceof PolicyError ? error.key : undefined, key);
    assert.equal(error instanceof SandboxError, key === undefined);
  }
});

void test('directoryOf() is the working directory at the time of the call', () => {
  assert.equal(directoryOf(undefined), process.cwd());
  assert.equal(directoryOf('a'), `${process.cwd()}/a`);
  assert.equal(directoryOf(new URL('file:///a%20b')), '/a b');
});

void test('no path ends its item of a list', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ',', '\\', '/'), minLength: 1 }), (path) => {
      const [word = ''] = policyWords({ write: { allow: [`/${path}`] } }, here);
      const value = word.slice('--write-allow='.length);
      // As assignments.ts splits it.
      const items = value.match(/(?:\\,|[^,])+/g) ?? [];
      assert.deepEqual(
        items.map((item) => item.replaceAll('\\,', ',')),
        [`/${path}`],
      );
    }),
  );
});
