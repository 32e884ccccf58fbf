import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BUILT_IN_SETS } from '../options/policy-keys.ts';
import { Ways } from '../policy/links.ts';
import { formatPattern, literally } from '../rules/format-pattern.ts';
import type { GivenWord } from './given-path.ts';
import { Sets, setsFolder } from './sets.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'sets-')));
after(() => rmSync(root, { recursive: true }));
const home = join(root, 'h*me');
mkdirSync(home);
symlinkSync('/dev/null', join(home, '.history'));
symlinkSync('kept', join(home, '.netrc'));
symlinkSync('..', join(home, '.up'));
const environment = { HOME: home, HERE: '/', KEYS: 'FILE:/k:relative', WIDE: root };

function given(text: string): GivenWord {
  return { spelling: '--read-deny', text, origin: { kind: 'command-line' } };
}

function placesOf(content: string): string[] {
  writeFileSync(join(root, 'secrets.set'), content);
  return new Sets(new Ways(), [], environment, root).placesOf(given('@secrets')).map(({ place, written }) => {
    const text = place.kind === 'path' ? literally(place.path) : formatPattern(place.pattern);
    return `${written}: ${text.toString('latin1').replaceAll(literally(Buffer.from(home)).toString('latin1'), 'H')}`;
  });
}

void test('a set is read from the folder, and its places resolved, be they there or not', () => {
  assert.deepEqual(placesOf('# x\n~/.ssh  # y\n/no/such/place  # z\n'), [
    '~/.ssh: H/.ssh',
    '/no/such/place: /no/such/place',
  ]);
  assert.deepEqual(placesOf('~/.netrc'), ['~/.netrc: H/kept']);
  assert.deepEqual(placesOf('$KEYS'), ['$KEYS: /k']);
  assert.deepEqual(placesOf('~/*/keys'), ['~/*/keys: H/*/keys']);
});

void test('what would be a rule about everything, or about nothing, is none', () => {
  assert.deepEqual(placesOf('$HERE\n$WIDE\n~\n~/.up\n~/.history\n$NO_SUCH/x\n'), []);
  assert.deepEqual(placesOf('$WIDE/x'), [`$WIDE/x: ${root}/x`]);
});

void test('a set that is broken, or not there, is an error and never nothing', () => {
  writeFileSync(join(root, 'secrets.set'), 'a b\n');
  assert.throws(() => new Sets(new Ways(), [], environment, root).placesOf(given('@secrets')), {
    message: '--read-deny: "@secrets" has a line that is none of a set: a b',
  });
  writeFileSync(join(root, 'secrets.set'), '~/.ssh');
  assert.throws(() => new Sets(new Ways(), [], {}, root).placesOf(given('@secrets')), {
    message: '--read-deny: "@secrets" needs $HOME, which is not set',
  });
  assert.throws(() => new Sets(new Ways(), [], environment, join(root, 'none')).placesOf(given('@secrets')), {
    message: `--read-deny: "@secrets" cannot be read: ${join(root, 'none/secrets.set')}, no such file or directory`,
  });
});

void test('the sets that come with secfilt are those that nobody defines anew', () => {
  assert.equal(setsFolder(), join(process.cwd(), 'share/sets'));
  if (!existsSync(setsFolder())) return;
  const names = readdirSync(setsFolder()).filter((name) => name.endsWith('.set'));
  assert.deepEqual(
    names.toSorted(),
    BUILT_IN_SETS.map((name) => `${name}.set`),
  );
  const sets = new Sets(new Ways(), [], process.env);
  for (const name of BUILT_IN_SETS) {
    assert.ok(sets.placesOf(given(`@${name}`)).length > 0, name);
  }
});
