import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { writtenPlace } from './arbitraries.testing.ts';
import { formatPattern, literally } from './format-pattern.ts';
import { hasPatternCharacters, parsePattern, type ParsedPlace } from './parse-pattern.ts';
import { PatternError } from './pattern-error.ts';

const RUNS = { numRuns: 2000 };
/** Bytes that mean something, and a few that do not. */
const bytes = fc
  .array(fc.oneof(fc.constantFrom(...Buffer.from(String.raw`*?[]\/.-!^a\b:`)), fc.nat(255)), {
    maxLength: 16,
  })
  .map((list) => Buffer.from(list));

/** In short: the beginning, and each component. */
function outline(parsed: ParsedPlace): string[] {
  if (parsed.kind === 'path') return [parsed.path.toString()];
  const { beginning, components } = parsed;
  return [
    beginning.toString(),
    ...components.map((component) =>
      component.kind === 'name' ? component.name.toString() : component.kind === 'any' ? 'ANY' : 'GLOB',
    ),
  ];
}

describe('parsePattern()', () => {
  const cases: [string, string[]][] = [
    ['/etc/passwd', ['/etc/passwd']],
    ['a/../b/', ['a/../b/']],
    [String.raw`a\*b\?\[\]\\`, [String.raw`a*b?[]` + '\\']],
    [String.raw`a\b/\c\/d`, [String.raw`a\b/\c\/d`]],
    ['a]b', ['a]b']],
    ['*.ts', ['', 'GLOB']],
    ['./*.ts', ['.', 'GLOB']],
    ['../*', ['..', 'GLOB']],
    ['/*', ['/', 'GLOB']],
    ['/**', ['/', 'ANY']],
    ['a/b//**/c', ['a/b', 'ANY', 'c']],
    ['**/.env', ['', 'ANY', '.env']],
    ['**/**/**', ['', 'ANY']],
    ['src/*/./a//b/', ['src', 'GLOB', 'a', 'b']],
    ['*/**/**/x/**/', ['', 'GLOB', 'ANY', 'x', 'ANY']],
    [String.raw`a\*/b*/c\*\d`, ['a*', 'GLOB', String.raw`c*\d`]],
    ['*/..a/...', ['', 'GLOB', '..a', '...']],
  ];
  for (const [word, expected] of cases) {
    test(word, () => {
      const parsed = parsePattern(Buffer.from(word));
      assert.deepEqual(outline(parsed), expected);
      assert.equal(hasPatternCharacters(Buffer.from(word)), parsed.kind === 'pattern');
    });
  }

  const errors: [string, RegExp][] = [
    ['', /is empty/],
    ['a\0b', /NUL/],
    ['*\0', /NUL/],
    ['a\\', /ends with a backslash/],
    [String.raw`*\\` + '\\', /ends with a backslash/],
    ['a**', /has \*\* beside/],
    ['**b', /has \*\* beside/],
    ['a/***/b', /has \*\* beside/],
    ['[', /without its \]/],
    ['a[b', /without its \]/],
    ['a[b/c]', /without its \]/],
    ['[[', /without its \]/],
    ['[]a', /empty set/],
    ['[]', /empty set/],
    ['[!]', /empty set/],
    ['[^]', /empty set/],
    ['[z-a]', /backwards/],
    ['[é]', /beyond ASCII/],
    ['[a-é]', /beyond ASCII/],
    ['[[:alpha:]]', /class of characters/],
    [String.raw`[\d]`, /lone backslash/],
    ['*/..', /\.\. behind/],
    ['*/../a', /\.\. behind/],
    ['**/a/../b', /\.\. behind/],
  ];
  for (const [word, expected] of errors) {
    test(`refuses ${JSON.stringify(word)}`, () => {
      assert.throws(
        () => parsePattern(Buffer.from(word)),
        (error) => error instanceof PatternError && expected.test(error.problem),
      );
    });
  }

  test('throws nothing but PatternError, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes, (word) => {
        try {
          assert.equal(parsePattern(word).kind === 'pattern', hasPatternCharacters(word));
        } catch (error) {
          if (!(error instanceof PatternError)) throw error;
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('literally()', () => {
  test('makes a path that is read as itself', () => {
    fc.assert(
      fc.property(bytes, (path) => {
        fc.pre(path.length > 0 && !path.includes(0));
        const parsed = parsePattern(literally(path));
        assert.deepEqual(parsed, { kind: 'path', path });
      }),
      RUNS,
    );
    assert.equal(literally(Buffer.from('app/[id]/a\\b.tsx')).toString(), String.raw`app/\[id\]/a\\b.tsx`);
  });
});

describe('formatPattern()', () => {
  const cases: [string, string][] = [
    ['/*', '/*'],
    ['/a//*/./b/', '/a/*/b'],
    ['/[cab]x[^!-]?', '/[a-c]x[!\\!\\-]?'],
    ['/[]a[]/**', '/[\\[\\]a]/**'],
    ['/[!a-c]*', '/[!a-c]*'],
    ['/[+-9]', '/[+-.0-9]'],
    [String.raw`/a\*/b\*?`, String.raw`/a\*/b\*?`],
  ];
  for (const [word, expected] of cases) {
    test(`${word}: ${expected}`, () => assert.equal(print(parsePattern(Buffer.from(word))), expected));
  }

  test('prints what is read as the same again', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          writtenPlace,
          bytes.map((word) => `/${word.toString('latin1')}`),
        ),
        (text) => {
          const parsed = parse(Buffer.from(text, 'latin1'));
          if (parsed?.kind !== 'pattern') return;
          const again = parsePattern(
            formatPattern({ base: parsed.beginning, components: parsed.components }),
          );
          assert.deepEqual(again, parsed);
        },
      ),
      RUNS,
    );
  });
});

function print(parsed: ParsedPlace): string | undefined {
  if (parsed.kind === 'path') return undefined;
  return formatPattern({ base: parsed.beginning, components: parsed.components }).toString();
}

function parse(word: Buffer): ParsedPlace | undefined {
  try {
    return parsePattern(word);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}
