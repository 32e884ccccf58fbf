/**
 * The places that rules of one kind of access name, as a tree, and what Landlock is told by it. Landlock's rules only allow, and
 * hold for all below (landlock(7)). So an allowed directory around a place that is not allowed gets none itself, but its entries do,
 * one by one, as they are at the start. Pure: directories are listed by somebody else (supervise/engines/ruleset.ts).
 */
import type { PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import type { Rule } from '../rules/rule.ts';

export interface Mark {
  /** Absolute, as the kernel names it. */
  readonly path: PathBytes;
  /** `undecided`: at and below it Landlock does not know the answer, whatever is marked there besides. */
  readonly effect: 'allow' | 'deny' | 'undecided';
}

/** A place, and what counts there and below but for what `children` say. */
export interface PlaceTree {
  readonly path: PathBytes;
  readonly effect: 'allow' | 'deny';
  readonly isDecided: boolean;
  /** By name, bytes as characters (latin1). Empty: what is said counts for all below. */
  readonly children: ReadonlyMap<string, PlaceTree>;
}

const SLASH = '/';
/** Entries come and go there with processes: a list of them would be wrong at once. */
const PROCESSES: PathBytes = Buffer.from('/proc');

/**
 * What rules say about places. A denied pattern may match whatever lies below its literal beginning; an allowed one is for the
 * supervisor alone.
 */
export function marksOf(rules: readonly Rule[]): Mark[] {
  return rules.flatMap(({ effect, place }): Mark[] => {
    if (place.kind === 'path') {
      const comesAndGoes = effect === 'deny' && place.path.length > PROCESSES.length;
      if (comesAndGoes && isWithin(place.path, PROCESSES)) return [{ path: PROCESSES, effect: 'undecided' }];
      return [{ path: place.path, effect }];
    }
    return effect === 'deny' ? [{ path: place.pattern.base, effect: 'undecided' }] : [];
  });
}

/**
 * The tree from the root on. At the same place `deny` wins; what is undecided stays so all the way down. Sets name hundreds of places,
 * and each start makes such a tree: paths are only made of those that somebody asks for.
 * @param otherwise what counts where nothing is marked
 */
export function placeTree(marks: readonly Mark[], otherwise: 'allow' | 'deny'): PlaceTree {
  const root = new Node('');
  for (const { path, effect } of marks) {
    const node = nodeAt(root, path.toString('latin1'));
    if (effect === 'undecided') node.isDecided = false;
    else if (node.effect !== 'deny') node.effect = effect;
  }
  return settled(root, otherwise, true);
}

export interface AllowedTree {
  readonly path: PathBytes;
  /** False: Landlock may be told so for want of anything better, and does not thereby know the answer. */
  readonly isDecided: boolean;
}

/** A directory that is allowed itself, or only some entries of it. */
export interface AllowedIn extends AllowedTree {
  /** Bytes as characters (latin1). Undefined: the directory with all that it holds. */
  readonly names: readonly string[] | undefined;
}

/**
 * The trees that are allowed as a whole, none within another.
 * @param list the names in a directory, bytes as characters (latin1); undefined: there is none, nor anything below it
 */
export function allowedIn(
  tree: PlaceTree,
  list: (directory: PathBytes) => readonly string[] | undefined,
): AllowedIn[] {
  const { effect, isDecided, children } = tree;
  if (effect === 'deny' && children.size === 0) return [];
  const { path } = tree;
  if (children.size === 0) return [{ path, names: undefined, isDecided }];
  const listed = effect === 'allow' ? list(path) : [];
  if (listed === undefined) return [];
  const below = [...children.values()].flatMap((child) => allowedIn(child, list));
  if (effect === 'deny') return below;
  return [{ path, names: listed.filter((name) => !children.has(name)), isDecided }, ...below];
}

/** The same, each by its path. */
export function allowedTrees(
  tree: PlaceTree,
  list: (directory: PathBytes) => readonly string[],
): AllowedTree[] {
  return allowedIn(tree, list).flatMap(({ path, names, isDecided }) =>
    names === undefined
      ? [{ path, isDecided }]
      : names.map((name) => ({ path: entryOf(path, name), isDecided })),
  );
}

/** @param name bytes as characters (latin1) */
export function entryOf(directory: PathBytes, name: string): PathBytes {
  const prefix = directory.length === 1 ? SLASH : `${directory.toString('latin1')}${SLASH}`;
  return Buffer.from(prefix + name, 'latin1');
}

/** Directories that are listed: around a place that is treated in another way than they are. */
export function waysOf(tree: PlaceTree): PlaceTree[] {
  if (tree.children.size === 0) return [];
  const ways = [...tree.children.values()].flatMap(waysOf);
  return tree.effect === 'allow' && tree.children.size > 0 ? [tree, ...ways] : ways;
}

const NO_CHILDREN: ReadonlyMap<string, never> = new Map<string, never>();

class Node {
  /** Its path, bytes as characters; the root's is empty. */
  readonly text: string;
  effect: 'allow' | 'deny' | undefined;
  isDecided = true;
  children: Map<string, Node> | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** @param end where the name of the child ends in the path */
  child(name: string, path: string, end: number): Node {
    this.children ??= new Map();
    let child = this.children.get(name);
    if (child === undefined) this.children.set(name, (child = new Node(path.slice(0, end))));
    return child;
  }
}

/** The node for an absolute path. */
function nodeAt(root: Node, path: string): Node {
  let node = root;
  for (let start = 1; start < path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash === -1 ? path.length : slash;
    if (end > start) node = node.child(path.slice(start, end), path, end);
    start = end + 1;
  }
  return node;
}

class SettledPlace implements PlaceTree {
  readonly effect: 'allow' | 'deny';
  readonly isDecided: boolean;
  readonly children: ReadonlyMap<string, PlaceTree>;
  readonly #text: string;

  constructor(text: string, effect: 'allow' | 'deny', isDecided: boolean, children: PlaceTree['children']) {
    this.#text = text;
    this.effect = effect;
    this.isDecided = isDecided;
    this.children = children;
  }

  get path(): PathBytes {
    return Buffer.from(this.#text === '' ? SLASH : this.#text, 'latin1');
  }
}

/** What is inherited is filled in; places that say nothing new are left out. */
function settled(node: Node, inherited: 'allow' | 'deny', isDecidedAbove: boolean): PlaceTree {
  const effect = node.effect ?? inherited;
  const isDecided = isDecidedAbove && node.isDecided;
  let children: Map<string, PlaceTree> | undefined;
  for (const [name, child] of node.children ?? NO_CHILDREN) {
    const below = settled(child, effect, isDecided);
    if (isNews(below, { effect, isDecided })) (children ??= new Map()).set(name, below);
  }
  return new SettledPlace(node.text, effect, isDecided, children ?? NO_CHILDREN);
}

/** Whether a place says anything that the one around it does not say already. */
export function isNews(
  { effect, isDecided, children }: PlaceTree,
  around: Pick<PlaceTree, 'effect' | 'isDecided'>,
): boolean {
  return children.size > 0 || effect !== around.effect || isDecided !== around.isDecided;
}

/** The same place with others below it. */
export function withChildren(tree: PlaceTree, children: PlaceTree['children']): PlaceTree {
  return new SettledPlace(tree.path.toString('latin1'), tree.effect, tree.isDecided, children);
}
