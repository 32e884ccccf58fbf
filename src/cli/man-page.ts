/**
 * The manual page secfilt(1), made from the option table (man(7), roff). `npm run docs` writes it to share/.
 * Not part of the bundled program.
 */
import { isList, type Option, type OptionName, OPTIONS } from '../options/option-table.ts';
import { EXAMPLES, EXIT_CODES, FILES, INTRODUCTION, LIMITS, PLACES } from './man-text.ts';
import { DETAILS } from './option-details.ts';
import { VERSION } from './version.ts';

const GROUPS = [
  ['files', 'Files'],
  ['network', 'Network'],
  ['running', 'Running'],
  ['about', 'Information'],
] as const satisfies readonly (readonly [Option['group'], string])[];

/** The text of secfilt.1, with a line break at its end. */
export function manPage(): string {
  const options: readonly Option[] = OPTIONS;
  return `${[
    `.TH SECFILT 1 "" "secfilter ${VERSION}" "User Commands"`,
    '.SH NAME',
    'secfilt \\- run a command that may read, change and reach only what is allowed',
    '.SH SYNOPSIS',
    '.B secfilt',
    '.RI [ options ]',
    '.RB [ \\-\\- ]',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    ...paragraphs(INTRODUCTION),
    '.SH OPTIONS',
    ...GROUPS.flatMap(([group, title]) => [
      `.SS ${title}`,
      ...options.filter((option) => option.group === group).flatMap(optionEntry),
    ]),
    '.SH PLACES',
    ...paragraphs(PLACES),
    '.SH CONFIG FILES',
    ...paragraphs(FILES),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, meaning]) => ['.TP', `.B ${roff(code)}`, roffLine(meaning)]),
    '.SH EXAMPLES',
    ...EXAMPLES.flatMap(([purpose, command]) => [
      '.PP',
      roffLine(purpose),
      '.PP',
      '.EX',
      `    ${roff(command)}`,
      '.EE',
    ]),
    '.SH LIMITS',
    ...paragraphs(LIMITS),
    '.SH SEE ALSO',
    '.BR seccomp (2),',
    '.BR landlock (7),',
    '.BR bwrap (1),',
    '.BR firejail (1)',
  ].join('\n')}\n`;
}

/** One entry: every way to spell the option, then what it does. */
function optionEntry(option: Option): string[] {
  const details: Partial<Record<OptionName, string>> = DETAILS;
  const text = details[option.name] ?? `${capitalized(option.help)}.`;
  return ['.TP', spellings(option).join(', '), ...text.split('\n\n').flatMap(entryParagraph)];
}

function entryParagraph(text: string, index: number): string[] {
  return index === 0 ? [roffLine(text)] : ['.IP', roffLine(text)];
}

function spellings(option: Option): string[] {
  const value = valueOf(option);
  const short = option.short === undefined ? [] : [`\\fB\\-${option.short}\\fR${shortValue(option)}`];
  const long = [option.name, ...option.aliases].map((name) => `\\fB${roff(`--${name}`)}\\fR${value}`);
  return [...short, ...long];
}

function valueOf(option: Option): string {
  if (option.placeholder === undefined) return '';
  const placeholder = `\\fI${roff(option.placeholder)}\\fR`;
  if (option.kind === 'boolean') return `[=${placeholder}]`;
  return `=${placeholder}${isList(option) ? `[,${placeholder}...]` : ''}`;
}

function shortValue({ kind, placeholder }: Option): string {
  return kind === 'boolean' || placeholder === undefined ? '' : ` \\fI${roff(placeholder)}\\fR`;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text) => ['.PP', roffLine(text)]);
}

/** A line of text: one that starts with a dot or a quote would be a request. */
function roffLine(text: string): string {
  const escaped = roff(text.replaceAll('\n', ' '));
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Backslashes stand for themselves, and dashes stay dashes, so that options can be searched for and copied. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}
