// The picture for the README: how many times longer than native, on a logarithmic scale, from the JSON of a run.

const SHOWN = [
  'getppid',
  'open-read',
  'open-write',
  'spawn',
  'make -j2',
  'git clone and commit',
  'npm install',
  'tar x of 3,000 files',
  'grep -r',
];
const COLOURS = {
  'secfilt notify': '#0969da',
  'secfilt trace': '#8250df',
  'secfilt kernel': '#1a7f37',
  bubblewrap: '#9a6700',
  firejail: '#bc4c00',
  proot: '#cf222e',
  strace: '#6e7781',
};
const LEFT = 190;
const RIGHT = 30;
const WIDTH = 900;
const LINE = 34;
const TOP = 70;
const MOST = 64;

/** SVG. Every row of the measurements is a line, every contender a dot on it. */
export function picture(results) {
  const rows = results.tables.flatMap(({ rows: all }) => all).filter(({ name }) => SHOWN.includes(name));
  const height = TOP + rows.length * LINE + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>Time taken, as a multiple of native</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...legend(rows),
    ...scale(height),
    ...rows.flatMap((row, index) => line(row, TOP + index * LINE + 20)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function legend(rows) {
  const present = Object.keys(COLOURS).filter((name) => rows.some((row) => valueOf(row, name) !== undefined));
  return present.map((name, index) => {
    const x = LEFT + index * 98;
    return `<circle cx="${x}" cy="24" r="5" fill="${COLOURS[name]}"/><text x="${x + 9}" y="28" fill="#1f2328">${name}</text>`;
  });
}

function scale(height) {
  const marks = [1, 2, 4, 8, 16, 32, MOST];
  return marks.map(
    (mark) =>
      `<line x1="${place(mark)}" x2="${place(mark)}" y1="${TOP - 6}" y2="${height - 34}" stroke="#d0d7de"/>` +
      `<text x="${place(mark)}" y="${height - 16}" text-anchor="middle" fill="#59636e">${mark === 1 ? 'native' : `${mark} ×`}</text>`,
  );
}

function line(row, y) {
  const dots = Object.keys(COLOURS).flatMap((name) => {
    const value = valueOf(row, name);
    if (value === undefined) return [];
    return [
      `<circle cx="${place(value).toFixed(1)}" cy="${y}" r="5" fill="${COLOURS[name]}" fill-opacity="0.85"><title>${name}: ${value.toFixed(2)} ×</title></circle>`,
    ];
  });
  return [
    `<text x="${LEFT - 20}" y="${y + 4}" text-anchor="end" fill="#1f2328">${row.name}</text>`,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#eaeef2"/>`,
    ...dots,
  ];
}

function valueOf(row, name) {
  return row.contenders.find(({ contender }) => contender === name)?.toBase?.ratio;
}

function place(value) {
  const part = Math.log2(Math.min(Math.max(value, 0.9), MOST)) / Math.log2(MOST);
  return LEFT + 10 + part * (WIDTH - LEFT - RIGHT - 10);
}
