/**
 * The shell examples of a Markdown document.
 *
 *   ```sh          a script: has to end with 0
 *   ``` + `$ …`    a transcript: what is typed after `$ ` (and `> `), and what it prints; a line `...` stands for any
 *                  lines, `…` for anything within a line
 *   ```conf, json  a config file: has to be understood
 *   ```js          a program that uses the library: has to end with 0, and to print what a block ```text after it says
 *   `secfilt …`    in the text: its options have to be understood
 *
 * A comment just above a block says why it is not run: `<!-- run: skip, needs a name server -->`.
 */

export type Example = {
  readonly line: number;
  readonly skip: string | undefined;
} & (
  | { readonly kind: 'script' | 'config' | 'command'; readonly text: string }
  | { readonly kind: 'transcript'; readonly input: string; readonly output: readonly string[] }
  | { readonly kind: 'program'; readonly text: string; readonly output: readonly string[] }
);

const FENCE_PATTERN = /^```(?<language>\S*)\s*$/;
const SKIP_PATTERN = /^<!-- run: skip, (?<reason>.+) -->$/;
const COMMAND_PATTERN = /`(?<command>secfilt -[^`]*)`/g;
/** A synopsis, not a command. */
const SYNOPSIS_PATTERN = /…|\.\.\.|[[\]<>|]|\b[A-Z]{3,}\b/;
const SHELLS = new Set(['sh', 'bash', 'shell', 'console', 'zsh']);

export function findExamples(markdown: string): Example[] {
  const lines = markdown.split('\n');
  const examples: Example[] = [];
  let above = '';
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    const language = FENCE_PATTERN.exec(line)?.groups?.['language'];
    if (language === undefined) {
      for (const { groups } of line.matchAll(COMMAND_PATTERN)) {
        const text = groups?.['command'] ?? '';
        if (!SYNOPSIS_PATTERN.test(text))
          examples.push({ line: i + 1, kind: 'command', skip: undefined, text });
      }
      if (line.trim() !== '') above = line.trim();
      continue;
    }
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`line ${i + 1}: a block without end`);
    const block = lines.slice(i + 1, end);
    const example = language === 'js' ? readProgram(block, lines.slice(end + 1)) : readBlock(language, block);
    const skip = SKIP_PATTERN.exec(above)?.groups?.['reason'];
    if (example) examples.push({ line: i + 1, skip, ...example });
    else if (skip !== undefined) throw new Error(`line ${i + 1}: nothing here could be run`);
    above = '';
    i = end;
  }
  return examples;
}

type Block =
  | { readonly kind: 'script' | 'config'; readonly text: string }
  | { readonly kind: 'transcript'; readonly input: string; readonly output: readonly string[] };

function readBlock(language: string, lines: readonly string[]): Block | undefined {
  if (language === 'conf' || language === 'json') return { kind: 'config', text: `${lines.join('\n')}\n` };
  if (lines[0]?.startsWith('$ ') === true) return readTranscript(lines);
  if (SHELLS.has(language)) return { kind: 'script', text: `${lines.join('\n')}\n` };
  if (lines.some((line) => /^(?:npx )?secfilt /.test(line)))
    throw new Error('a shell example is not marked sh');
  return undefined;
}

/** What it prints is the block right after it. */
function readProgram(
  lines: readonly string[],
  rest: readonly string[],
): { readonly kind: 'program'; readonly text: string; readonly output: readonly string[] } {
  const start = rest.findIndex((line) => line.trim() !== '');
  const output = rest[start] === '```text' ? rest.slice(start + 1, rest.indexOf('```', start + 1)) : [];
  return { kind: 'program', text: `${lines.join('\n')}\n`, output };
}

function readTranscript(lines: readonly string[]): Block {
  const input: string[] = [];
  const output: string[] = [];
  let isTyped = false;
  for (const line of lines) {
    isTyped = line.startsWith('$ ') || (isTyped && line.startsWith('> '));
    if (isTyped) input.push(line.slice(2));
    else output.push(line);
  }
  return { kind: 'transcript', input: `${input.join('\n')}\n`, output };
}

/** True where the lines are what the transcript says; columns may be wider or narrower. */
export function matchesOutput(expected: readonly string[], actual: readonly string[]): boolean {
  const pattern = expected.map((line) =>
    line === '...'
      ? '(?:[^\n]*\n)*'
      : `${narrow(line)
          .split('…')
          .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
          .join('[^\n]*')}\n`,
  );
  return new RegExp(`^${pattern.join('')}$`).test(actual.map((line) => `${narrow(line)}\n`).join(''));
}

function narrow(line: string): string {
  return line.trimEnd().replaceAll(/(?<=\S) {2,}/g, '  ');
}
