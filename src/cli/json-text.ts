/**
 * JSON (RFC 8259) as people write it into a file: with the line of every key, for messages, and no key twice, since the
 * one that JSON.parse() passes over might be a restriction.
 */
import type { ByteString } from './byte-string.ts';

export interface JsonText {
  readonly value: unknown;
  /** The line of each key and item, by its way: `write.allow[0]`. The whole is at the empty one. */
  readonly lines: ReadonlyMap<string, number>;
}

export class JsonError extends Error {
  readonly line: number;
  /** What stands there. */
  readonly word: string;
  readonly problem: string;
  readonly hint: string;

  constructor(line: number, word: string, problem: string, hint: string) {
    super(`${problem}: ${hint}`);
    this.line = line;
    this.word = word;
    this.problem = problem;
    this.hint = hint;
  }
}

const BLANKS = /[ \t\r\n]*/y;
/** What may stand in a string, and after a backslash, JSON.parse() knows. */
const STRING = /"[^"\\\n]*(?:\\.[^"\\\n]*)*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const WORD = /[^\s,:[\]{}]{1,30}|./y;
const DEEPEST = 100;

/** Throws a JsonError. */
export function parseJson(text: string): JsonText {
  const parser = new Parser(text);
  return { value: parser.whole(), lines: parser.lines };
}

/** The text of some bytes; undefined where they are not UTF-8. */
export function utf8Text(bytes: ByteString): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}

class Parser {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value('', 0);
    if (this.#at < this.#text.length) throw this.#wrong('nothing may follow');
    return value;
  }

  /** One value, and the blanks around it. */
  #value(way: string, depth: number): unknown {
    if (depth > DEEPEST) throw this.#wrong('it is nested too deeply');
    this.#skipBlanks();
    if (!this.lines.has(way)) this.lines.set(way, this.#line);
    const value = this.#takes('{')
      ? this.#object(way, depth)
      : this.#takes('[')
        ? this.#list(way, depth)
        : this.#scalar();
    this.#skipBlanks();
    return value;
  }

  #object(way: string, depth: number): Record<string, unknown> {
    const members: [string, unknown][] = [];
    this.#skipBlanks();
    if (this.#takes('}')) return {};
    do {
      this.#skipBlanks();
      const line = this.#line;
      const key = this.#string();
      if (key === undefined) throw this.#wrong('a key in double quotes is expected');
      const inner = way === '' ? key : `${way}.${key}`;
      if (members.some(([other]) => other === key))
        throw new JsonError(line, inner, 'stands here twice', 'leave one of them out');
      this.lines.set(inner, line);
      this.#skipBlanks();
      if (!this.#takes(':')) throw this.#wrong('a colon is expected after a key');
      members.push([key, this.#value(inner, depth + 1)]);
    } while (this.#takes(','));
    if (!this.#takes('}')) throw this.#wrong('a comma is expected between two members, or } at the end');
    // Unlike an assignment it takes `__proto__` for a name like any other.
    return Object.fromEntries(members);
  }

  #list(way: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.#skipBlanks();
    if (this.#takes(']')) return items;
    do items.push(this.#value(`${way}[${items.length}]`, depth + 1));
    while (this.#takes(','));
    if (!this.#takes(']')) throw this.#wrong('a comma is expected between two items, or ] at the end');
    return items;
  }

  #scalar(): unknown {
    const text = this.#string();
    if (text !== undefined) return text;
    const scalar = this.#match(SCALAR);
    if (scalar === undefined) throw this.#wrong('a value is expected');
    return JSON.parse(scalar);
  }

  #string(): string | undefined {
    const at = this.#at;
    const text = this.#match(STRING);
    if (text === undefined) return undefined;
    try {
      return String(JSON.parse(text));
    } catch {
      this.#at = at;
      throw this.#wrong('it holds a control character, or a backslash before what it does not go with');
    }
  }

  #skipBlanks(): void {
    const blanks = this.#match(BLANKS) ?? '';
    for (const character of blanks) if (character === '\n') this.#line += 1;
  }

  #takes(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    this.#at += text?.length ?? 0;
    return text;
  }

  #wrong(expected: string): JsonError {
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0] ?? '';
    if (word === '') return new JsonError(this.#line, '', 'ends too early', expected);
    const hint = /^(?:#|\/\/|\/\*)/.test(word) ? 'there are no comments in it' : expected;
    return new JsonError(this.#line, word, 'is not JSON', hint);
  }
}
