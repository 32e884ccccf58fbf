// The results as Markdown tables, for the terminal and for RESULTS.md.
import { inUnits, withSpread } from './results.mjs';

export function tables(results) {
  return results.tables
    .map((one) => `### ${one.title}\n\n${one.rows.map(rowTable).join('\n\n')}`)
    .join('\n\n');
}

function rowTable(row) {
  const lines = row.contenders.map((one) => [
    one.contender,
    inUnits(one.median, row.unit),
    one.toBase === undefined ? '' : withSpread(one.toBase),
  ]);
  const failures = Object.entries(row.failed).map(([name, reason]) => `\n${name}: ${reason}`);
  return markdown([row.name, 'median', `× ${row.base}`], lines) + failures.join('');
}

export function targets(results) {
  const lines = results.tables.flatMap((one) => one.targets.map(targetLine));
  return markdown(['target', 'at most', 'measured', ''], lines);
}

function targetLine({ text, limit, measured, met, reason }) {
  if (measured === undefined) return [text, limit.toFixed(2), reason, 'not measured'];
  return [text, limit.toFixed(2), withSpread(measured), met ? 'met' : 'NOT MET'];
}

export function left(results) {
  return results.left.map(({ name, reason }) => `- ${name}: ${reason}`).join('\n');
}

function markdown(head, lines) {
  const widths = head.map((word, column) =>
    Math.max(3, word.length, ...lines.map((line) => line[column].length)),
  );
  const format = (line) =>
    `| ${line.map((word, column) => (column === 0 ? word.padEnd(widths[column]) : word.padStart(widths[column]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [format(head), rule, ...lines.map(format)].join('\n');
}

/** The page that is kept: made by the command, never by hand. */
export function page(results) {
  const { machine } = results;
  const parts = [
    '# Results of the last run',
    '`npm run bench` writes this page. Times of different contenders were taken in turns, in one run on one machine: compare the ratios, not the times. In brackets: between what the ratios of half of the rounds lay.',
    [
      `- ${results.date}, ${results.rounds} rounds${results.quick ? ' (a quick run)' : ''}`,
      `- ${machine.processors} × ${machine.model}, Linux ${machine.kernel}, Node ${machine.node}`,
      `- load average before the run ${machine.load}`,
    ].join('\n'),
    `## Targets\n\n${targets(results)}`,
    '## Contenders',
    'The policy: changes are allowed in one folder. Whoever claims to confine and let another change pass in a check is not timed. strace, proot and the two C loops enforce nothing: they are here for what their mechanism costs.',
  ];
  if (results.left.length > 0) parts.push(`Not measured:\n\n${left(results)}`);
  parts.push(`## Measurements\n\n${tables(results)}`);
  return `${parts.join('\n\n')}\n`;
}
