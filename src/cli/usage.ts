/** The text of --help, made from the option table: it fits a screen of 24 lines of 80 columns. Import it lazily. */
import { isList, type Option, OPTIONS } from './option-table.ts';
import { VERSION } from './version.ts';

const HELP_COLUMN = 33;
const EXAMPLES = [
  'secfilt --read-only make test                      look, but change nothing',
  'secfilt --write-allow=. --own-tmp --no-outbound-network npm run build',
  'secfilt --allowed-netmasks=192.168.1.0/24 --allow-resolv ssh nas',
];

/** What `secfilt --help` prints. */
export function helpText(): string {
  const options: readonly Option[] = OPTIONS;
  const about = options.filter(({ group }) => group === 'about');
  return [
    'Usage: secfilt [options] [--] command [arguments]',
    'Run a command that may change and reach only what the options allow.',
    '',
    ...options.filter(({ group }) => group !== 'about').map(optionLine),
    `  ${about.map(optionNames).join('   ')}`,
    'Examples:',
    ...EXAMPLES.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** What `secfilt --version` prints. */
export function versionText(): string {
  return `secfilt ${VERSION}\n`;
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
  if (option.kind === 'boolean') return `[=${option.placeholder}]`;
  return `=${option.placeholder}${isList(option) ? ',...' : ''}`;
}
