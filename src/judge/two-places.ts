/** The judge of calls that name two places: rename(2), and link(2), by which a file gets another name. Pure. */
import { judgeEntry, judgeMove, judgeName, onNoWay, type FileRules, type Place } from './files.ts';
import { freesReading, isClosed } from './reading.ts';
import { refuse, together, type Verdict } from './verdict.ts';

const OTHER_NAME_RULE = refuse('what may not be read gets no name by which it could be');

/** The rules for a call that names two places. */
export function rulesForTwo(rules: FileRules, from: Place, to: Place): FileRules {
  const pair = rules.pairs?.find(
    (one) => Buffer.compare(one.from, from.path) === 0 && Buffer.compare(one.to, to.path) === 0,
  );
  return pair === undefined ? rules : { ...rules, writable: pair.writable };
}

/** Several entries at once (rename): all must be allowed, and Landlock must back all to go on. */
export function judgeEntries(rules: FileRules, places: readonly Place[]): Verdict {
  return together(places.map((place) => judgeMove(rules, place)));
}

/** rename(2): what is moved, where to, and with `exchanges` the other way round as well. */
export function judgeRename(rules: FileRules, from: Place, to: Place, exchanges: boolean): Verdict {
  const verdict = judgeEntries(rules, [from, to]);
  if (verdict.kind === 'refuse') return verdict;
  return carriesAway(rules, from, to) ?? (exchanges ? carriesAway(rules, to, from) : undefined) ?? verdict;
}

/** By a move a denied place would come to be another, or be another's. */
function carriesAway(rules: FileRules, from: Place, to: Place): Verdict | undefined {
  return rules.changes?.judgeMove(from.path, to.path) ?? readableAs(rules, from, to);
}

/** By another name what may not be read could be; so it could where what comes to lie counts as one's own. */
function readableAs({ reading, own }: FileRules, from: Place, to: Place): Verdict | undefined {
  if (reading === undefined || own?.holdsOwnFile(from) === true) return undefined;
  const becomesOwn = own?.isBelow(to.path) === true && isClosed(reading, from.path);
  return becomesOwn || freesReading(reading, from.path, to.path) ? OTHER_NAME_RULE : undefined;
}

/** link(2): what gets a second name, and that name. */
export function judgeSecondName(rules: FileRules, object: Place, entry: Place): Verdict {
  const source = onNoWay(rules, object) ?? judgeName(rules, object, (own) => own.allowsChange(object));
  const verdict = together([source, onNoWay(rules, entry) ?? judgeEntry(rules, entry)]);
  return verdict.kind === 'refuse' ? verdict : (readableAs(rules, object, entry) ?? verdict);
}
