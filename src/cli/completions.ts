/**
 * Completions for bash, zsh and fish, made from the option table. `npm run docs` writes them to share/.
 * Not part of the bundled program.
 */
import type { Option } from '../options/option-table.ts';
import { OPTIONS } from '../options/option-table.ts';
import { BASH, FISH, ZSH } from './completion-templates.ts';

const BOOLEANS = ['1', '0', 'true', 'false', 'yes', 'no', 'on', 'off'];
const OPTION_LIST: readonly Option[] = OPTIONS;

/** What a value is completed from. */
type Source = 'boolean' | 'flag' | 'files' | 'choice' | 'none';

/** The completion file of each shell, by the name that the shell looks for. */
export function completions(): Readonly<Record<'secfilt.bash' | '_secfilt' | 'secfilt.fish', string>> {
  return { 'secfilt.bash': bash(), _secfilt: zsh(), 'secfilt.fish': fish() };
}

function sourceOf(option: Option): Source {
  switch (option.kind) {
    case 'boolean':
      return option.placeholder === undefined && option.choices === undefined ? 'flag' : 'boolean';
    case 'optional-file':
      return 'flag';
    case 'path-list':
    case 'place-list':
    case 'unix-socket-list':
    case 'file':
      return 'files';
    case 'choice':
      return 'choice';
    case 'access':
    case 'netmask-list':
    case 'port-list':
    case 'host-list':
    case 'listen-list':
      return 'none';
  }
}

function longNames({ name, aliases }: Option): string[] {
  return [name, ...aliases].map((long) => `--${long}`);
}

function shortNames({ short }: Option): string[] {
  return short === undefined ? [] : [`-${short}`];
}

function allNames(option: Option): string[] {
  return [...longNames(option), ...shortNames(option)];
}

/** The words that a value can be, where they are few. */
function candidatesOf({ kind, choices = [] }: Option): readonly string[] {
  return kind === 'boolean' ? [...choices, ...BOOLEANS] : choices;
}

function bash(): string {
  const cases = OPTION_LIST.filter((option) => candidatesOf(option).length > 0).map(
    (option) => `    ${pattern([option])}) candidates='${candidatesOf(option).join(' ')}' ;;`,
  );
  const words = OPTION_LIST.flatMap((option) =>
    longNames(option).map((name) => (takesValue(option) ? `${name}=` : name)),
  );
  return BASH.replaceAll('@VALUED@', pattern(OPTION_LIST.filter(takesValue)))
    .replaceAll('@CANDIDATES@', cases.join('\n'))
    .replaceAll('@FILE_OPTIONS@', pattern(OPTION_LIST.filter((option) => sourceOf(option) === 'files')))
    .replaceAll('@SHORT@', OPTION_LIST.flatMap(shortNames).join(' '))
    .replaceAll('@OPTIONS@', words.join(' '));
}

function pattern(options: readonly Option[]): string {
  return options.flatMap(allNames).join(' | ');
}

function takesValue({ kind }: Option): boolean {
  return kind !== 'boolean';
}

function zsh(): string {
  return ZSH.replaceAll('@ARGUMENTS@', OPTION_LIST.flatMap(zshArguments).join('\n'));
}

function zshArguments(option: Option): string[] {
  const help = `[${option.help.replaceAll(/[[\]:\\]/g, String.raw`\$&`).replaceAll("'", String.raw`'\''`)}]`;
  const star = option.repeatable ? '*' : '';
  const action = zshAction(option);
  const long = longNames(option).map((name) => `    '${star}${name}${action.long}${help}${action.value}' \\`);
  if (option.short === undefined) return long;
  return [...long, `    '${star}-${option.short}${action.short}${help}${action.shortValue}' \\`];
}

/** `=` a value may stand in the next word too, `=-` it may not; a short option takes its value either way (`+`). */
function zshAction(option: Option): { long: string; value: string; short: string; shortValue: string } {
  const name = option.placeholder ?? '';
  switch (sourceOf(option)) {
    case 'flag':
      return { long: '', value: '', short: '', shortValue: '' };
    case 'boolean':
      return {
        long: '=-',
        value: `::${name}:(${candidatesOf(option).join(' ')})`,
        short: '',
        shortValue: '',
      };
    case 'files': {
      const value = option.kind === 'file' ? `:${name}:_files` : `:${name}:_sequence _files`;
      return { long: '=', value, short: '+', shortValue: value };
    }
    case 'choice': {
      const value = `:${name}:(${candidatesOf(option).join(' ')})`;
      return { long: '=', value, short: '+', shortValue: value };
    }
    case 'none':
      return { long: '=', value: `:${name}: `, short: '+', shortValue: `:${name}: ` };
  }
}

function fish(): string {
  return FISH.replaceAll('@VALUED@', OPTION_LIST.filter(takesValue).flatMap(allNames).join(' ')).replaceAll(
    '@COMPLETIONS@',
    OPTION_LIST.flatMap(fishLines).join('\n'),
  );
}

function fishLines(option: Option): string[] {
  const help = option.help.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`);
  return [option.name, ...option.aliases].map((name) => {
    const short = option.short !== undefined && name === option.name ? ` -s ${option.short}` : '';
    return `complete -c secfilt -n __secfilt_wants_options${short} -l ${name}${fishValue(option)} -d '${help}'`;
  });
}

function fishValue(option: Option): string {
  switch (sourceOf(option)) {
    case 'flag':
    case 'boolean':
      return '';
    case 'files':
      return ' -r -F';
    case 'choice':
      return ` -x -a '${candidatesOf(option).join(' ')}'`;
    case 'none':
      return ' -x';
  }
}
