/**
 * A config file that is being written. Text (comments, as UTF-8) and bytes (values) come in as what they are, and neither
 * can begin a line of its own: of a comment every control character is escaped, of a value a line break is a fault of ours.
 */
import { MAX_BYTES } from './config-file.ts';
import type { OptionName } from '../options/option-table.ts';

const LINE_BREAK = 0x0a;
/** Kept for the line that says what did not fit. */
const RESERVE = 200;
const CONTROL_PATTERN = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

export class ConfigText {
  readonly #lines: Buffer[] = [];
  #size = 0;
  #left = 0;

  /** A line that says something to people. */
  comment(text: string): this {
    return this.#add([commentLine(text)]);
  }

  /** A line that sets an option, and the comment above it. The value is spelt as config files spell it. */
  setting(option: OptionName, value: Uint8Array | string, comment?: string): this {
    const above = comment === undefined ? [] : [commentLine(comment)];
    return this.#add([...above, optionLine(option, value)]);
  }

  /** The same, commented out: a person may take the sign away. */
  suggestion(option: OptionName, value: Uint8Array | string, comment: string): this {
    return this.#add([commentLine(comment), Buffer.concat([Buffer.from('#'), optionLine(option, value)])]);
  }

  blank(): this {
    return this.#add([Buffer.alloc(0)]);
  }

  /** Never longer than a config file may be. */
  toBytes(): Buffer {
    const rest =
      this.#left === 0 ? [] : [commentLine(`Incomplete: ${this.#left} entries are too many for a file.`)];
    return Buffer.concat([...this.#lines, ...rest].flatMap((line) => [line, Buffer.of(LINE_BREAK)]));
  }

  /** All of the lines, or none. */
  #add(lines: readonly Buffer[]): this {
    if (lines.some((line) => line.includes(LINE_BREAK))) throw new Error('a line break within a line');
    const size = lines.reduce((sum, { length }) => sum + length + 1, 0);
    if (this.#size + size > MAX_BYTES - RESERVE) this.#left += 1;
    else {
      this.#size += size;
      this.#lines.push(...lines);
    }
    return this;
  }
}

function commentLine(text: string): Buffer {
  return Buffer.from(`# ${text.replace(CONTROL_PATTERN, escapeCharacter)}`);
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function optionLine(option: OptionName, value: Uint8Array | string): Buffer {
  return Buffer.concat([Buffer.from(`${option}=`), Buffer.from(value)]);
}
