/**
 * Names that programs make up for the moment: by chance (mkstemp(3), UUIDs), by the clock, by a process's number. The next run makes
 * up others, so a policy names the directory instead. A guess: where it is wrong, a directory is named for a name that would do.
 */
import { processStat } from '../linux/process-stat.ts';
import type { PathBytes } from '../policy/policy.ts';

/** `tmp.k3Xw9aPq0z`, `.tmpAbCdEf`, `tmp_obj_a1B2c3`. */
const TEMPORARY_PATTERN = /^[.#~_-]*tmp\w*[._-]?\w{6,}/i;
/** Process numbers of five digits and more, dates, times. */
const LONG_NUMBER_PATTERN = /\d{5}/;
const HASH_PATTERN = /(?<![0-9a-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?![0-9a-z])/i;
const WORD_PATTERN = /[A-Za-z0-9]{6,}/g;
/** Words, abbreviations and numbers within a word. */
const PART_PATTERN = /[A-Z][a-z]{2,}|[a-z]+|[A-Z]+|\d+/g;
/** What mkstemp(3) and mkdtemp(3) fill in. */
const FILLED_LENGTH = 6;
/** Of six letters and digits by chance seven in eight have so many parts, and hardly a word that means something. */
const MANY_PARTS = 3;
/** Of those that nobody may have yet: of a hundred by chance two have fewer. */
const MANY_OF_EXCLUSIVE = 2;
/** Shorter ones are counted by people. */
const NUMBER_PATTERN = /\d{3,}/g;
/** Of a process, its parents: a shell's number is in the names that its children make. */
const MOST_PARENTS = 8;

/** The user's own number stays the same: `tmux-100123`. Small ones are no sign of anything. */
const OWN_NUMBER = ownNumber(process.geteuid?.() ?? 0);

function ownNumber(user: number): RegExp | undefined {
  return user < 1000 ? undefined : new RegExp(`(?<!\\d)${user}(?!\\d)`, 'g');
}

/**
 * True for a name that is another one the next time.
 * @param tid the thread that makes it: numbers of processes are told by it
 * @param isExclusive whoever makes it wants a name that nobody has (O_EXCL)
 */
export function isMadeUp(path: PathBytes, tid: number, isExclusive = false): boolean {
  const whole = path.toString('latin1', path.lastIndexOf('/') + 1);
  const name = OWN_NUMBER === undefined ? whole : whole.replaceAll(OWN_NUMBER, '');
  return (
    TEMPORARY_PATTERN.test(name) ||
    LONG_NUMBER_PATTERN.test(name) ||
    HASH_PATTERN.test(name) ||
    (name.match(WORD_PATTERN) ?? []).some((word) => isByChance(word, isExclusive)) ||
    namesProcess(name, tid)
  );
}

function isByChance(word: string, isExclusive: boolean): boolean {
  const parts = word.slice(-FILLED_LENGTH).match(PART_PATTERN)?.length ?? 0;
  return parts >= (isExclusive ? MANY_OF_EXCLUSIVE : MANY_PARTS);
}

function namesProcess(name: string, tid: number): boolean {
  const numbers = new Set(name.match(NUMBER_PATTERN));
  if (numbers.size === 0) return false;
  for (let [id, left] = [tid, MOST_PARENTS]; id > 1 && left > 0; left -= 1) {
    if (numbers.has(String(id))) return true;
    id = processStat(id)?.parent ?? 0;
  }
  return false;
}
