// Medians and their spread. A ratio is that of the medians; its spread comes from the ratios of the single rounds.

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, part) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/**
 * How many times more `values` are than `base`: both hold one value a round, of the same rounds. `low` and `high` are
 * the quartiles of the rounds' own ratios, so a disturbance that held for a whole round does not widen them.
 */
export function ratio(values, base) {
  const rounds = values.map((value, round) => value / base[round]);
  return {
    ratio: median(values) / median(base),
    low: quantile(rounds, 0.25),
    high: quantile(rounds, 0.75),
  };
}

/** How many units more, told as `ratio` tells it: the median of the rounds' own differences, and their quartiles. */
export function more(values, base, unit) {
  const rounds = values.map((value, round) => (value - base[round]) / unit);
  return { ratio: median(rounds), low: quantile(rounds, 0.25), high: quantile(rounds, 0.75) };
}
