/**
 * The summary of what was refused: at most a screen, most useful first, each with the option that would allow it.
 *
 *     secfilt: 2 operations were refused
 *       write   /home/ann/b             allow with --write-allow=/home/ann/b
 *       connect 10.1.2.3 port 443 tcp   allow with --allowed-netmasks=10.1.2.3
 */
import type { PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import { type Advice, placeOption, OWN_TMP } from './advice.ts';
import { collapse, type Directory, directoriesAbove } from './collapse.ts';
import { type Paint, plain } from './colour.ts';
import { columnsOf, mostColumnsOf, padToColumns } from './columns.ts';
import { escapeBytes } from './escape.ts';
import type { RefusalGroup, Refusals } from './refusals.ts';
import { type Homes, NO_SECRETS, secrecy, type Secrets, sensitivity } from './sensitive.ts';

const SCREEN_LINES = 20;
/** Of 80: the last one stays empty where a wide character does not fit. */
const SCREEN_COLUMNS = 79;
/** Lines that are kept for what is sensitive, however much else there is. */
const SENSITIVE_LINES = 6;
const MAX_WHAT_COLUMNS = 60;
/** Beyond it a column is not made wider for the sake of one long row. */
const MAX_ALIGNED_COLUMNS = 44;
/** A suggestion is never cut: half an option would be another option. */
const MAX_ADVICE_COLUMNS = 200;

interface Row {
  readonly operation: string;
  readonly what: string;
  readonly advice: Advice;
  readonly count: number;
  /** Of a file, or of a directory in which several were refused, which `paths` counts. */
  readonly path?: PathBytes;
  readonly paths: number;
}

type FileRow = Row & { readonly path: PathBytes };

const OWN_ADVICE: Advice = { kind: 'options', options: OWN_TMP };

/** The text, with a line break at its end; empty when nothing was refused. */
export function renderSummary(
  refusals: Refusals,
  homes: Homes,
  paint: Paint = plain,
  secrets: Secrets = NO_SECRETS,
): string {
  if (refusals.total === 0) return '';
  const above = directoriesAbove(refusals.groups.flatMap(sensitivePaths));
  const isTooWide = (directory: PathBytes, reads: boolean): boolean =>
    above.has(directory.toString('latin1')) ||
    (reads ? secrecy(directory, homes, secrets) : sensitivity({ kind: 'path', path: directory }, homes)) !==
      undefined;
  const rows = collapseRows(refusals.groups.map(rowOf), isTooWide).map(shorten);
  const layout = layoutOf(rows);
  const shown = chooseRows(rows, layout);
  const hidden = refusals.total - shown.reduce((sum, row) => sum + row.count, 0);
  return [
    paint('title', title(refusals)),
    ...shown.map((row) => renderRow(row, layout, paint)),
    ...(hidden > 0 ? [`  and ${hidden} more: --log=FILE keeps them all`] : []),
    '',
  ].join('\n');
}

/** One line for whom it did not harm: how many were refused, and where to read which. Empty when none was. */
export function renderCount(refusals: Refusals, paint: Paint = plain): string {
  return refusals.total === 0 ? '' : `${paint('title', title(refusals))} (secfilt -v shows them)\n`;
}

function title({ total }: Refusals): string {
  return `secfilt: ${total === 1 ? '1 operation was' : `${total} operations were`} refused`;
}

function rowOf({ operation, what, advice, count, object }: RefusalGroup): Row {
  const row = { operation: object.kind === 'none' ? 'call' : operation, what, advice, count, paths: 1 };
  const isNamed = object.kind === 'path' && advice.kind === 'options' && advice.within !== null;
  return isNamed ? { ...row, path: object.path } : row;
}

/** What was refused and is sensitive is not opened by advice about something else. */
function sensitivePaths({ object, advice }: RefusalGroup): readonly PathBytes[] {
  if (advice.kind !== 'sensitive') return [];
  if (object.kind === 'path') return [object.path];
  return object.kind === 'paths' ? [object.from, object.to] : [];
}

type IsTooWide = (directory: PathBytes, reads: boolean) => boolean;

/** Paths of one directory become one row; again and again while there are more rows than fit on a screen. */
function collapseRows(rows: readonly Row[], isTooWide: IsTooWide): readonly Row[] {
  const files = rows.filter((row): row is FileRow => row.path !== undefined);
  // What is made in shared directories takes no more than it is advised alone.
  const [own, named] = [files.filter(isOwn), files.filter((row) => !isOwn(row))];
  const collapsed = [
    ...groupsOf(named).flatMap((group) => collapseNamed(group, isTooWide)),
    ...collapseFiles(
      own,
      (directory) => isTooWide(directory, false),
      () => OWN_ADVICE,
    ),
    ...rows.filter((row) => row.path === undefined),
  ];
  const isDone = collapsed.length === rows.length || collapsed.length <= SCREEN_LINES - 2;
  return isDone ? collapsed : collapseRows(collapsed, isTooWide);
}

/** What the same rule refuses, of reading and of changes apart. */
function groupsOf(rows: readonly FileRow[]): FileRow[][] {
  const groups = new Map<string, FileRow[]>();
  for (const row of rows) {
    const key = `${row.operation === 'read'} ${withinOf(row)?.toString('latin1')}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

function withinOf({ advice }: Row): PathBytes | undefined {
  return (advice.kind === 'options' ? advice.within : undefined) ?? undefined;
}

function collapseNamed(group: readonly FileRow[], isTooWide: IsTooWide): readonly Row[] {
  const [first] = group;
  const within = first && withinOf(first);
  const reads = first?.operation === 'read';
  // At the place of the rule itself nothing else counts.
  const isBelow = (directory: PathBytes): boolean =>
    within === undefined || (isWithin(directory, within) && !directory.equals(within));
  return collapseFiles(
    group,
    (directory) => !isBelow(directory) || isTooWide(directory, reads),
    ({ path }) => placeOption(reads ? '--read-allow' : '--write-allow', [path], within),
  );
}

function isOwn({ advice }: Row): boolean {
  return advice.kind === 'options' && advice.options === OWN_TMP;
}

function collapseFiles(
  files: readonly FileRow[],
  isTooWide: (directory: PathBytes) => boolean,
  adviceFor: (directory: Directory<Row>) => Advice,
): readonly Row[] {
  const { directories, rest } = collapse(files, isTooWide);
  return [...directories.map((directory) => directoryRow(directory, adviceFor(directory))), ...rest];
}

function directoryRow({ path, items }: Directory<Row>, advice: Advice): Row {
  const [operation = 'change', ...others] = new Set(items.map((item) => item.operation));
  const paths = items.reduce((sum, item) => sum + item.paths, 0);
  return {
    operation: others.length === 0 ? operation : 'change',
    what: escapeBytes(path),
    advice,
    count: items.reduce((sum, item) => sum + item.count, 0),
    path,
    paths,
  };
}

function shorten(row: Row): Row {
  const times = row.count === 1 ? '' : ` (${row.count} times)`;
  const suffix = row.paths > 1 ? `/ (${row.paths} paths)` : times;
  return { ...row, what: cutMiddle(row.what, MAX_WHAT_COLUMNS - suffix.length) + suffix };
}

function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const half = Math.floor((columns - 3) / 2);
  const characters = Array.from(text);
  const end = startOf(characters.toReversed(), half).toReversed();
  return `${startOf(characters, half).join('')}...${end.join('')}`;
}

/** As many of the characters as fit. */
function startOf(characters: readonly string[], columns: number): readonly string[] {
  let left = columns;
  const end = characters.findIndex((character) => (left -= columnsOf(character)) < 0);
  return end === -1 ? characters : characters.slice(0, end);
}

/** First what an option allows, most often refused first; then what is sensitive; then what nothing allows. */
function chooseRows(rows: readonly Row[], layout: Layout): Row[] {
  const ofKind = (kind: Advice['kind']): Row[] =>
    rows.filter(({ advice }) => advice.kind === kind).toSorted((a, b) => b.count - a.count);
  const sensitive = ofKind('sensitive');
  const reserved = Math.min(SENSITIVE_LINES, linesOf(sensitive, layout));
  const chosen: Row[] = [];
  const take = (candidates: readonly Row[], limit: number): void => {
    for (const row of candidates) {
      if (linesOf([...chosen, row], layout) > limit) break;
      chosen.push(row);
    }
  };
  // The title and the line about what is not shown take one line each.
  const room = SCREEN_LINES - 2;
  take(ofKind('options'), room - reserved);
  take(sensitive, room);
  take(ofKind('none'), room);
  return chosen;
}

interface Layout {
  readonly operationColumns: number;
  readonly whatColumns: number;
}

function layoutOf(rows: readonly Row[]): Layout {
  return {
    operationColumns: widest(rows.map((row) => row.operation)),
    whatColumns: Math.min(MAX_ALIGNED_COLUMNS, widest(rows.map((row) => row.what))),
  };
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(columnsOf));
}

function linesOf(rows: readonly Row[], layout: Layout): number {
  return rows.reduce(
    (sum, row) => sum + Math.ceil(mostColumnsOf(renderRow(row, layout, plain)) / SCREEN_COLUMNS),
    0,
  );
}

function renderRow({ operation, what, advice }: Row, layout: Layout, paint: Paint): string {
  const left = `  ${operation.padEnd(layout.operationColumns)} ${padToColumns(what, layout.whatColumns)}`;
  return `${left}   ${paint(advice.kind === 'sensitive' ? 'warning' : 'advice', adviceText(advice))}`;
}

function adviceText(advice: Advice): string {
  switch (advice.kind) {
    case 'options': {
      if (advice.options.length > MAX_ADVICE_COLUMNS) return 'the option is too long to show: see --log';
      const instead = advice.instead === undefined ? '' : ` instead of ${advice.instead}`;
      return `allow with ${advice.options}${instead}`;
    }
    case 'sensitive':
      return advice.options === undefined || advice.options.length > MAX_ADVICE_COLUMNS
        ? `sensitive (${advice.reason}): no option is suggested`
        : `WARNING, sensitive (${advice.reason}): only if it is to be read, ${advice.options}`;
    case 'none':
      return advice.reason === undefined ? 'no option allows it' : `no option allows it: ${advice.reason}`;
  }
}
