/** The text of --help, made from the option table: it fits a screen of 24 lines of 80 columns. Import it lazily. */
import { isList, type Option, OPTIONS } from '../options/option-table.ts';
import { VERSION } from './version.ts';

const HELP_COLUMN = 33;
const COLUMNS = 80;
const EXAMPLES = [
  'secfilt --read-only make test                      look, but change nothing',
  'secfilt --write-allow=. --own-tmp --no-outbound-network npm run build',
];

/** What `secfilt --help` prints. */
export function helpText(): string {
  const options: readonly Option[] = OPTIONS;
  return [
    'Usage: secfilt [options] [--] command [arguments]',
    'Run a command that may read, change and reach only what the options allow.',
    ...options.filter(hasOwnLine).map(optionLine),
    ...inLines(options.filter((option) => !hasOwnLine(option)).map(optionNames)),
    'Examples:',
    ...EXAMPLES.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

function hasOwnLine({ group, sharesLine }: Option): boolean {
  return group !== 'about' && sharesLine !== true;
}

/** What `secfilt --version` prints. */
export function versionText(): string {
  return `secfilt ${VERSION}\n`;
}

/** Beside each other, each in the first line that has room for it. */
function inLines(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const at = lines.findIndex((line) => line.length + 2 + name.length <= COLUMNS);
    if (at < 0) lines.push(`  ${name}`);
    else lines[at] = `${lines[at]}  ${name}`;
  }
  return lines;
}

function optionLine(option: Option): string {
  return `  ${optionNames(option)}`.padEnd(HELP_COLUMN) + option.help;
}

function optionNames(option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return `${short}--${option.name}${valueOf(option)}`;
}

function valueOf(option: Option): string {
  if (option.placeholder === undefined) return '';
  if (option.kind === 'boolean' || option.kind === 'optional-file') return `[=${option.placeholder}]`;
  return `=${option.placeholder}${isList(option) ? ',...' : ''}`;
}
