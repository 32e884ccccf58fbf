import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KeyError } from './key-error.ts';
import { type Option, OPTIONS } from './option-table.ts';
import { POLICY_KEYS } from './policy-keys.ts';
import { accepts } from './policy-schema.testing.ts';
import { policySchema } from './policy-schema.ts';
import { readPolicy } from './read-policy.ts';

/** `option=value`, in order. */
function said(policy: unknown, source: 'program' | 'file' = 'program'): string {
  return readPolicy(policy, source)
    .map(({ option, value }) => `${option}=${value}`)
    .join(' ');
}

void test('every option that config files know has a key', () => {
  const ALL: readonly Option[] = OPTIONS;
  const rows = new Set<string>(POLICY_KEYS.map(({ option }) => option));
  for (const { name, inConfig } of ALL) assert.equal(rows.has(name), inConfig, name);
});

void test('readPolicy() says of each key what its option says', () => {
  const rows: [unknown, string][] = [
    [{}, ''],
    [{ readOnly: undefined, write: undefined }, ''],
    [{ readOnly: true }, 'read-only=true'],
    [{ readOnly: false }, 'read-only=false'],
    [
      { write: { allow: ['.', 'a,b'], own: ['/tmp'], ownTmp: true } },
      'write-allow=. write-allow=a,b write-own=/tmp own-tmp=true',
    ],
    [{ write: { allow: [new URL('file:///a%20b')] } }, 'write-allow=/a b'],
    [{ write: { deny: ['.git', '**/x'] } }, 'write-deny=.git write-deny=**/x'],
    [
      { write: { deny: [new URL('file:///%5Ba%5D*$')], own: ['*'] } },
      String.raw`write-deny=/\[a\]\*\$ write-own=*`,
    ],
    [{ readOnly: false, write: { deny: ['x'] } }, 'read-only=false write-deny=x'],
    [{ read: { deny: ['/', '@mine'], allow: ['.'] } }, 'read-deny=/ read-deny=@mine read-allow=.'],
    [{ read: { deny: ['/'], allow: [] } }, 'read-deny=/'],
    [{ exec: { allow: ['/usr'], deny: ['/'] } }, 'exec-allow=/usr exec-deny=/'],
    [{ network: 'none' }, 'no-outbound-network=true'],
    [{ network: 'mainstream' }, 'mainstream-network-families=true'],
    [
      { network: { netmasks: ['10.0.0.0/8'], ports: [443, '8000-8010'], resolvers: true } },
      'allowed-netmasks=10.0.0.0/8 allowed-ports=443 allowed-ports=8000-8010 allow-resolv=true',
    ],
    [
      {
        network: {
          hosts: ['db:80,443', '*.example'],
          deniedHosts: ['a'],
          deniedNetmasks: ['@private'],
          deniedPorts: [25],
        },
        listen: [80, '[::1]:81'],
      },
      'allowed-hosts=db:80,443 allowed-hosts=*.example denied-hosts=a denied-netmasks=@private denied-ports=25 allowed-listen=80 allowed-listen=[::1]:81',
    ],
    [
      { readOnly: true, unixSockets: ['/s', '@a'], engine: 'trace' },
      'read-only=true allow-unix=/s allow-unix=@a engine=trace',
    ],
  ];
  for (const [policy, expected] of rows) assert.equal(said(policy), expected);
  assert.equal(
    said({ $schema: 'x', log: '-', verbose: true, quiet: false }, 'file'),
    'log=- verbose=true quiet=false',
  );
});

void test('an empty list allows nothing, and never everything', () => {
  assert.equal(said({ write: { allow: [] } }), 'read-only=true');
  assert.equal(said({ write: { allow: [], ownTmp: true } }), 'own-tmp=true read-only=true');
  assert.equal(said({ write: { allow: [], deny: ['x'] } }), 'write-deny=x read-only=true');
  assert.equal(said({ write: { allow: ['x'], deny: [] } }), 'write-allow=x');
  assert.equal(said({ network: { ports: [] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { ports: [], netmasks: ['::1'] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { ports: [], netmasks: ['::1'], resolvers: true } }), 'allow-resolv=true');
  assert.equal(said({ network: { hosts: [] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { hosts: [], netmasks: [] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { hosts: [], netmasks: ['::1'] } }), 'allowed-netmasks=::1');
  assert.equal(said({ network: { hosts: ['a'], ports: [] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { hosts: [], deniedPorts: [25] } }), 'no-outbound-network=true');
  assert.equal(said({ network: { deniedHosts: [], deniedPorts: [25] } }), 'denied-ports=25');
  assert.throws(() => said({ network: { deniedHosts: [] } }), KeyError);
  assert.equal(said({ listen: [] }), 'allowed-listen=none');
  assert.equal(said({ readOnly: true, write: { ownTmp: false } }), 'read-only=true own-tmp=false');
});

void test('readPolicy() names the key at fault and says what would be right', () => {
  const list: unknown[] = [];
  list[1] = '/a';
  const rows: [unknown, string][] = [
    [null, 'the policy: null is not an object: expected { readOnly: true }'],
    [[], 'the policy: a list is not an object: expected { readOnly: true }'],
    [{ readOnyl: true }, 'readOnyl is not a key: did you mean readOnly?'],
    [{ write: { alow: [] } }, 'write.alow is not a key: did you mean write.allow?'],
    [{ allow: ['.'] }, 'allow is not a key: did you mean write.allow?'],
    [{ ports: [1] }, 'ports is not a key: did you mean network.ports?'],
    [{ writeAllow: ['.'] }, 'writeAllow is not a key: did you mean write.allow?'],
    [{ 'allowed-ports': [1] }, 'allowed-ports is not a key: did you mean network.ports?'],
    [{ noOutboundNetwork: true }, 'noOutboundNetwork is not a key: did you mean network?'],
    [{ frobnicate: 1 }, 'frobnicate is not a key'],
    [JSON.parse('{"__proto__":1}'), '__proto__ is not a key'],
    [{ log: '/l' }, 'log is for config files: onRefused is told of refusals'],
    [{ readOnly: 'yes' }, 'readOnly: "yes" is not a boolean: expected true or false'],
    [{ readOnly: null }, 'readOnly: null is not a boolean: expected true or false'],
    [{ write: '.' }, 'write: "." is not an object: expected { allow: ["./build"] }'],
    [{ write: null }, 'write: null is not an object: expected { allow: ["./build"] }'],
    [{ write: { allow: '.' } }, 'write.allow: "." is not a list: write ["./build"]'],
    [{ write: { allow: [''] } }, 'write.allow[0] is empty: expected "./build"'],
    [{ write: { allow: list } }, 'write.allow[0]: undefined is not a string: expected "./build"'],
    [{ write: { allow: ['\ud800'] } }, String.raw`write.allow[0]: "\ud800" holds half of a character`],
    [
      { write: { allow: ['a\0'] } },
      String.raw`write.allow[0]: "a\u0000" has a NUL byte: no path can hold one`,
    ],
    [
      { write: { allow: [new URL('https://a/b')] } },
      'write.allow[0]: "https://a/b" is no URL of a file: expected file:///…',
    ],
    [
      { read: { deny: ['**/*.{key,pem}'] } },
      String.raw`read.deny[0]: "**/*.{key,pem}" has braces around a comma: they mean nothing here, write each: *.key,*.pem (\, is a comma of a name)`,
    ],
    [{ write: {} }, 'write restricts nothing: write readOnly: true to refuse every change, or leave it out'],
    [
      { write: { ownTmp: false } },
      'write restricts nothing: write readOnly: true to refuse every change, or leave it out',
    ],
    [
      { readOnly: false, write: { allow: ['.'] } },
      'readOnly: false contradicts write.allow[0], which implies it: leave one of them out',
    ],
    [
      { readOnly: false, write: { allow: [] } },
      'readOnly: false contradicts write.allow, which implies it: leave one of them out',
    ],
    [{ network: {} }, 'network restricts nothing: write "none" to refuse every connection, or leave it out'],
    [
      { network: { resolvers: false } },
      'network restricts nothing: write "none" to refuse every connection, or leave it out',
    ],
    [{ network: 'off' }, 'network: "off" is none of the choices: expected "none", "mainstream" or an object'],
    [{ network: false }, 'network: false is not an object: expected "none", or { ports: [443] }'],
    [{ network: { ports: [0] } }, 'network.ports[0]: 0 is out of range: ports are 1 to 65535'],
    [
      { network: { ports: [443, 'http'] } },
      'network.ports[1]: "http" is not a port: expected a number from 1 to 65535, or a range 8000-8010',
    ],
    [
      { network: { ports: [null] } },
      'network.ports[0]: null is not a port: expected 443, or a range "8000-8010"',
    ],
    [
      { engine: 'turbo' },
      'engine: "turbo" is none of the choices: expected "auto", "notify", "trace", "kernel"',
    ],
    [{ unixSockets: [() => 1] }, 'unixSockets[0]: a function is not a string: expected "./build"'],
  ];
  for (const [policy, message] of rows)
    assert.throws(() => readPolicy(policy, 'program'), { name: 'KeyError', message });
});

/** Mostly right, so that a whole policy can be. */
function mostly<Value>(right: Value[], wrong: Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.constantFrom(...wrong) },
  );
}

void test('the schema takes what readPolicy() takes, and refuses what it refuses', () => {
  const schema = policySchema();
  const path = mostly(['.', '/a', 'a b'], ['']);
  const port = mostly<unknown>([443, 1, 65535, '80-90'], [0, 65536, 1.5, 'http', '080', null]);
  const flag = mostly<unknown>([true, false], ['yes', null]);
  const paths = fc.oneof({ weight: 12, arbitrary: fc.array(path, { maxLength: 2 }) }, path);
  const optional: { requiredKeys: [] } = { requiredKeys: [] };
  const write = fc.record({ allow: paths, own: paths, ownTmp: flag }, optional);
  const lists = fc.record(
    { netmasks: paths, ports: fc.array(port, { maxLength: 2 }), resolvers: flag },
    optional,
  );
  const policy = fc.record(
    {
      readOnly: flag,
      write: fc.oneof({ weight: 12, arbitrary: write }, path),
      network: fc.oneof(lists, mostly(['none', 'mainstream'], ['nothing'])),
      unixSockets: paths,
      engine: mostly(['auto', 'trace'], ['turbo']),
      log: path,
    },
    optional,
  );
  let taken = 0;
  fc.assert(
    fc.property(policy, mostly([{}], [{ alow: 1 }]), (known, unknown) => {
      const given = { ...known, ...unknown };
      let refusal: KeyError | undefined;
      try {
        readPolicy(given, 'file');
        taken += 1;
      } catch (error) {
        assert.ok(error instanceof KeyError);
        refusal = error;
      }
      // What members mean together no schema says.
      if (refusal && /restricts nothing|contradicts/.test(refusal.message)) return;
      assert.equal(accepts(schema, given), refusal === undefined, refusal?.message);
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 200, String(taken));
});

void test('exceptions of nothing are an error, save in a file, beside which a command line may deny', () => {
  const rows: [unknown, string][] = [
    [{ read: {} }, 'read'],
    [{ read: { deny: [] } }, 'read'],
    [{ read: { allow: [] } }, 'read'],
    [{ read: { allow: ['x'] } }, 'read'],
    [{ exec: { allow: ['x'], deny: [] } }, 'exec'],
    [{ write: { deny: [] } }, 'write'],
    [{ write: { deny: [], ownTmp: false } }, 'write'],
    [{ read: ['x'] }, 'read'],
    [{ read: { deny: 'x' } }, 'read.deny'],
    [{ read: { deny: [''] } }, 'read.deny[0]'],
    [{ read: { deny: ['a\0'] } }, 'read.deny[0]'],
    [{ read: { denied: ['x'] } }, 'read.denied'],
  ];
  for (const [policy, key] of rows) {
    const isAbout = (error: unknown): boolean => error instanceof KeyError && error.key === key;
    assert.throws(() => said(policy), isAbout, JSON.stringify(policy));
  }
  assert.equal(said({ read: { allow: ['x'] } }, 'file'), 'read-allow=x');
});
