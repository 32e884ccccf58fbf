/** Who holds the rules about reading: Landlock alone where that is sound and nobody notices, else the supervisor too. Pure. */
import { changeableTrees, type FilePolicy, type PathBytes, type Policy } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import { beginningOf, type Rule } from '../rules/rule.ts';
import { marksOf, placeTree, waysOf, type PlaceTree } from './place-tree.ts';

export interface ReadingPlan {
  readonly rules: readonly Rule[];
  /** The same as Landlock sees them. */
  readonly places: PlaceTree;
  /** As in the facts. */
  readonly listed?: ReadonlyMap<string, readonly string[]>;
  /** `supervisor`: every open for reading is referred. */
  readonly heldBy: 'Landlock' | 'supervisor';
  /**
   * What Landlock is told of the rules. `all`: it decides each open again. `some`: not what patterns deny, so that nothing may go on that
   * the supervisor has to judge. `nothing`: what is made beside denied places could neither be read nor executed, since the kernel
   * opens what it executes.
   */
  readonly landlock: 'all' | 'some' | 'nothing';
  /** Why not Landlock alone, or that it does: text for people. */
  readonly why: string;
}

/** What the plan has to know of the machine, all of it about places of the rules. */
export interface ReadingFacts {
  /** The tree of the rules, where it was made already (`readingPlaces`). */
  readonly places?: PlaceTree;
  /** What lies in directories on the way, by their paths; all texts are bytes as characters (latin1). */
  readonly listed?: ReadonlyMap<string, readonly string[]>;
  /** Denied places that the user has no right to read anyway. */
  readonly closed: readonly PathBytes[];
  /** Block devices that the user may read: the same bytes by another name. */
  readonly devices: readonly PathBytes[];
  /** Directories on the way to a denied place where this user can make entries, whatever the policy says. */
  readonly changeable: readonly PathBytes[];
  /** Such directories whose entries cannot be listed. */
  readonly unlistable: readonly PathBytes[];
  /** Of the trees where changes are allowed: those that are directories at the start. */
  readonly directories: readonly PathBytes[];
}

const PROCESSES: PathBytes = Buffer.from('/proc');

/** True where something may not be read. */
export function restrictsReading({ read }: Policy): boolean {
  return read?.some(({ effect }) => effect === 'deny') === true;
}

/** All rules that count: what a person said, and what follows from it. Those that change nothing are left out. */
export function readingRules(
  given: readonly Rule[],
  { closed, devices }: Pick<ReadingFacts, 'closed' | 'devices'>,
): Rule[] {
  const isNamed = amongPlaces(given.flatMap(({ place }) => (place.kind === 'path' ? [place.path] : [])));
  const isClosed = amongPlaces(closed);
  const implied = devices.flatMap((path): Rule[] => {
    const said = `${path.toString()}, a device that holds what may not be read`;
    return isNamed(path) ? [] : [{ effect: 'deny', place: { kind: 'path', path }, said }];
  });
  const rules =
    closed.length === 0
      ? given
      : given.filter(
          ({ effect, place }) => effect === 'allow' || place.kind === 'pattern' || !isClosed(place.path),
        );
  return [...rules, ...implied];
}

/** Sets hold hundreds of places; mostly nobody asks. */
function amongPlaces(paths: readonly PathBytes[]): (path: PathBytes) => boolean {
  let known: Set<string> | undefined;
  return (path) => {
    known ??= new Set(paths.map((each) => each.toString('latin1')));
    return known.has(path.toString('latin1'));
  };
}

/** What Landlock is told by such rules. */
export function readingPlaces(rules: readonly Rule[]): PlaceTree {
  return placeTree(marksOf(rules), 'allow');
}

/** The directories that are listed at the start for that. */
export function readingWays(places: PlaceTree): PathBytes[] {
  return waysOf(places).map(({ path }) => path);
}

/**
 * @param facts undefined: nobody has looked
 * @param wantsReports somebody wants to know what was refused: the kernel tells nobody
 */
export function planReading(
  policy: Policy,
  facts: ReadingFacts | undefined,
  { hasLandlock, wantsReports }: { readonly hasLandlock: boolean; readonly wantsReports: boolean },
): ReadingPlan | undefined {
  const { read = [], files } = policy;
  if (policy.watchesReading === true)
    return {
      rules: [],
      places: readingPlaces([]),
      heldBy: 'supervisor',
      landlock: 'nothing',
      why: 'what is read is watched',
    };
  if (!restrictsReading(policy)) return undefined;
  const rules = facts === undefined ? read : readingRules(read, facts);
  const places = facts?.places ?? readingPlaces(rules);
  const nothing = hasLandlock ? whyNothing({ rules, places }, files, facts) : 'this kernel has no Landlock';
  const some = whySome(rules);
  const why =
    (hasLandlock ? some : undefined) ?? (wantsReports ? 'what is refused is told of' : undefined) ?? nothing;
  const landlock: ReadingPlan['landlock'] =
    nothing !== undefined ? 'nothing' : some !== undefined ? 'some' : 'all';
  const listed = facts?.listed;
  const known: Omit<ReadingPlan, 'heldBy' | 'why'> = { rules, places, landlock, ...(listed && { listed }) };
  return why === undefined
    ? { ...known, heldBy: 'Landlock', why: 'nothing new comes to lie beside what may not be read' }
    : { ...known, heldBy: 'supervisor', why };
}

/** Why Landlock cannot hold all rules. */
function whySome(rules: readonly Rule[]): string | undefined {
  const pattern = rules.find(({ place }) => place.kind === 'pattern');
  if (pattern !== undefined) return `${pattern.said} is a pattern`;
  const ofProcess = rules.find((rule) => {
    const at = beginningOf(rule);
    return rule.effect === 'deny' && at.length > PROCESSES.length && isWithin(at, PROCESSES);
  });
  return ofProcess && `${ofProcess.said}: what is in /proc comes and goes`;
}

/** Why it had better hold none. */
function whyNothing(
  { rules, places }: Pick<ReadingPlan, 'rules' | 'places'>,
  files: FilePolicy | undefined,
  facts: ReadingFacts | undefined,
): string | undefined {
  if (facts === undefined) return 'the directories on the way were not looked at';
  const ways = readingWays(places);
  const among = (paths: readonly PathBytes[]): PathBytes | undefined =>
    ways.find((way) => paths.some((path) => path.equals(way)));
  const own = files?.own?.find((directory) => isDeniedBy(rules, directory));
  if (own !== undefined) return `what is made in ${own.toString()} has to be read too`;
  const unlistable = among(facts.unlistable);
  if (unlistable !== undefined) return `${unlistable.toString()} cannot be listed`;
  const changed =
    files === undefined
      ? among(facts.changeable)
      : ways.find((way) => mayGetEntries(way, files, facts.directories));
  return changed && `what is made in ${changed.toString()} has to be read too`;
}

/** Whether the nearest of the rules that are paths denies a directory. */
function isDeniedBy(rules: readonly Rule[], directory: PathBytes): boolean {
  let nearest = -1;
  let isDenied = false;
  for (const { effect, place } of rules) {
    if (place.kind !== 'path' || place.path.length < nearest || !isWithin(directory, place.path)) continue;
    isDenied = effect === 'deny' || (isDenied && place.path.length === nearest);
    nearest = place.path.length;
  }
  return isDenied;
}

/** Whether the command may make something directly in a directory. */
function mayGetEntries(way: PathBytes, files: FilePolicy, directories: readonly PathBytes[]): boolean {
  const patterns = (files.rules ?? []).filter(
    ({ effect, place }) => effect === 'allow' && place.kind === 'pattern',
  );
  if ([...changeableTrees(files), ...patterns.map(beginningOf)].some((tree) => isWithin(way, tree)))
    return true;
  // A directory stays while there is something in it; a file is replaced by another one.
  return [...files.writable, ...(files.own ?? [])].some(
    (tree) => parentOf(tree).equals(way) && !directories.some((path) => path.equals(tree)),
  );
}

function parentOf(path: PathBytes): PathBytes {
  return path.subarray(0, Math.max(1, path.lastIndexOf('/')));
}
