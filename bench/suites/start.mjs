// How long a command takes that does nothing at all.
import { interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const WARM_UP = 2;

export async function start({ contenders, folder, rounds }) {
  const bare = { name: 'node -e 0', wrap: () => [process.execPath, '-e', '0'] };
  const contestants = [bare, ...contenders];
  const measure = async (contestant) => (await runWell(contestant.wrap(['true'], folder))).milliseconds * 1e6;
  await interleave(contestants, WARM_UP, measure);
  const row = {
    name: 'true',
    unit: 'ns',
    base: 'node -e 0',
    ...(await interleave(contestants, rounds * 5, measure)),
  };
  const target = (name, limit, base = 'node -e 0') => ({
    text: `start, ${name} : ${base}`,
    row,
    name,
    base,
    limit,
  });
  return [
    table(
      'start',
      'Time to start and end',
      [row],
      [
        target('secfilt notify', 1.4),
        target('secfilt trace', 1.4),
        target('secfilt kernel', 1.25),
        target('secfilt compiled', 0.4, 'bubblewrap'),
        target('secfilt client', 0.6, 'bubblewrap'),
      ],
    ),
  ];
}
