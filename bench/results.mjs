// Results as plain data: tables of rows, each with a value a round for every contender, and the targets they are held against.
import { median, more, quantile, ratio } from './statistics.mjs';

/**
 * One table, ready for JSON. `rows`: name, unit, base (the contender that is 1), values and failures by contender;
 * `targets`: of a row, that `name` takes at most `limit` times what `base` takes; or that many units of `difference` more.
 */
export function table(suite, title, rows, targets) {
  return { suite, title, rows: rows.map(finishRow), targets: targets.map(finishTarget) };
}

function finishRow({ name, unit, base = 'native', values, failed }) {
  const baseValues = values.get(base);
  const contenders = [...values].map(([contender, rounds]) => ({
    contender,
    median: median(rounds),
    low: quantile(rounds, 0.25),
    high: quantile(rounds, 0.75),
    rounds: rounds.length,
    toBase: baseValues === undefined ? undefined : ratio(rounds, baseValues),
  }));
  return { name, unit, base, contenders, failed: Object.fromEntries(failed) };
}

function finishTarget({ text, row, name, base, limit, difference }) {
  const values = row.values.get(name);
  const baseValues = row.values.get(base);
  if (values === undefined || baseValues === undefined) {
    return { text, limit, reason: `${values === undefined ? name : base} was not measured` };
  }
  const measured =
    difference === undefined ? ratio(values, baseValues) : more(values, baseValues, difference);
  return { text, limit, measured, met: measured.ratio <= limit };
}

const UNITS = {
  ns: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [2 ** 20, 'MiB'],
    [1, 'bytes'],
  ],
  mixed: [
    [2 ** 20, 'MiB'],
    [1, ''],
  ],
};

/** A value with the unit that suits its size. */
export function inUnits(value, unit) {
  const [size, name] = UNITS[unit].find(([least]) => value >= least) ?? UNITS[unit].at(-1);
  return `${(value / size).toPrecision(3)} ${name}`.trim();
}

/** `1.23 (1.20–1.30)`: the ratio, and between what half of the rounds lay. */
export function withSpread({ ratio: value, low, high }) {
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
