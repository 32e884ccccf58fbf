/**
 * `--why=read:PATH`, `write:PATH` and `exec:PATH`: the same judges are asked as in a run, with what a run would go by. What a path leads to is
 * looked up for ourselves, and nothing is opened.
 */
import { executedFiles } from '../launch/executed-files.ts';
import { resolveCommand } from '../launch/command.ts';
import {
  judgeControllingTerminal,
  judgeCreate,
  judgeMetadata,
  judgeOpen,
  judgeRead,
  type FileRules,
  type FoundObject,
} from '../judge/files.ts';
import { PathSet } from '../judge/path-set.ts';
import type { Verdict } from '../judge/verdict.ts';
import { errnoMessage } from '../linux/errno.ts';
import { variableBytes } from '../linux/environment.ts';
import {
  AT_FDCWD,
  R_OK,
  S_IFBLK,
  S_IFDIR,
  S_IFMT,
  S_ISGID,
  S_ISUID,
  W_OK,
  accessPath,
  fstat,
  openPath,
  terminated,
} from '../linux/files.ts';
import { close } from '../linux/libc.ts';
import { isInInterface } from '../linux/mounts.ts';
import { readHolder, writeHolder } from '../plan/rule-explanation.ts';
import { startRefusal } from '../plan/start-refusal.ts';
import { Ways } from '../policy/links.ts';
import { absolutePath, refuseOurOwn, splitPath } from '../policy/paths.ts';
import { restrictsAnything, type PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import { escapeBytes } from '../report/escape.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import { givenTerminals } from '../supervise/engines/given-terminals.ts';
import { makeRuleset } from '../supervise/engines/ruleset.ts';
import { lastingFileRules } from '../supervise/file-rules.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { expandPath } from './expand-path.ts';
import { givenPath, reading } from './given-path.ts';
import { placesEnvironment } from './places-environment.ts';
import type { PlannedRun } from './plan-run.ts';
import type { Settings } from './settings.ts';
import type { Answer } from './why-answer.ts';

const READ = { reads: true, writes: false, makesNameless: false, truncatesUnwritten: false };
const WRITE = { reads: false, writes: true, makesNameless: false, truncatesUnwritten: false };
const TTY = Buffer.from('/dev/tty');
const MISSING = 'there is nothing yet';
const SETS_ID = 'it runs without the rights that it would set itself: no_new_privs';
/** What of a process only those may look at who may trace it (proc(5)). */
const TRACED_PATTERN =
  /^\/proc\/\d+\/(?:task\/\d+\/)?(?:environ|mem|maps|smaps|smaps_rollup|numa_maps|pagemap|auxv|exe|cwd|root|stack|syscall|io|personality|timers|(?:fd|fdinfo|map_files|ns)(?:\/.*)?)$/;

/** What a path leads to. */
interface Found extends FoundObject {
  readonly path: PathBytes;
  readonly exists: boolean;
  readonly mode: number;
}

type Told = Pick<Answer, 'rule' | 'by'>;

export class WhyPlaces {
  readonly #run: PlannedRun;
  readonly #settings: Settings;
  readonly #rules: FileRules;

  constructor(run: PlannedRun, settings: Settings) {
    const { plan } = run;
    this.#run = run;
    this.#settings = settings;
    const { descriptor, writable, readable } = makeRuleset(plan);
    if (descriptor !== undefined) close(descriptor);
    this.#rules = {
      ...lastingFileRules(plan, readable, {
        made: () => false,
        madeFile: () => false,
        madeDirectoryOf: () => false,
        isFree: ({ path }) => accessPath(path, 0) < 0,
      }),
      writable: new PathSet(writable, plan.interfaces),
      landlock: plan.landlock !== undefined,
    };
  }

  /** Opening for reading. */
  read(asked: Assignment, word: string): Answer {
    const found = find(asked, word);
    const { plan, policy } = this.#run;
    const answer = { access: 'read', what: escapeBytes(found.path) } as const;
    const allowed = policy.read && new RuleIndex(policy.read).decide(found.path);
    const verdict = judgeRead(this.#rules, READ, found);
    const byOthers = this.#othersProcess(found);
    if (verdict.kind === 'refuse') {
      const rule = [...(plan.reading?.rules ?? [])].find(({ said }) => said === verdict.rule);
      return {
        ...answer,
        allowed: false,
        rule: verdict.rule,
        by: rule === undefined ? 'supervisor' : readHolder(plan, rule).by,
      };
    }
    if (allowed?.effect === 'deny')
      return {
        ...answer,
        allowed: false,
        rule: `${allowed.said}, which this user may not read anyway`,
        by: 'system',
      };
    if (byOthers !== undefined) return { ...answer, allowed: false, ...byOthers };
    const note = found.exists ? natural(found, R_OK) : MISSING;
    if (plan.reading === undefined)
      return { ...answer, allowed: true, rule: 'reading is not restricted', by: 'nobody', note };
    const rule = allowed?.said ?? 'no rule about reading denies it';
    return { ...answer, allowed: true, rule, by: plan.reading.heldBy, note };
  }

  /** Any change: of what is there, or making it. */
  write(asked: Assignment, word: string): Answer {
    const found = find(asked, word);
    const answer = { access: 'write', what: escapeBytes(found.path) } as const;
    const verdict = this.#judgeChange(found);
    const { policy } = this.#run;
    const rule = policy.files?.rules && new RuleIndex(policy.files.rules).decide(found.path);
    if (verdict.kind === 'refuse') return { ...answer, allowed: false, ...this.#refusing(verdict, rule) };
    const note = natural(found, W_OK);
    return { ...answer, allowed: true, ...this.#allowing(found, verdict, rule), note };
  }

  #judgeChange(found: Found): Verdict {
    if (!found.exists) return judgeCreate(this.#rules, WRITE, found);
    if (found.path.equals(TTY) && this.#rules.restricted)
      return judgeControllingTerminal(this.#rules, true, givenTerminals([0, 1, 2]).length > 0, undefined);
    return (found.mode & S_IFMT) === S_IFDIR
      ? judgeMetadata(this.#rules, found)
      : judgeOpen(this.#rules, WRITE, found);
  }

  #refusing({ rule: said }: Extract<Verdict, { kind: 'refuse' }>, rule: Rule | undefined): Told {
    const { plan } = this.#run;
    const isRule = rule?.effect === 'deny' && (said === rule.said || said === 'outside --write-allow');
    if (plan.situation.refer === undefined) return { rule: isRule ? rule.said : said, by: 'Landlock' };
    if (isRule) return { rule: rule.said, by: writeHolder(plan, rule).by };
    return {
      rule: said,
      by: said === 'outside --write-allow' && plan.landlock !== undefined ? 'Landlock' : 'supervisor',
    };
  }

  #allowing({ path }: Found, { kind }: Verdict, rule: Rule | undefined): Told {
    const { plan, policy } = this.#run;
    if (policy.files === undefined) return { rule: 'files are not restricted', by: 'nobody' };
    const by = kind === 'continue' || plan.situation.refer === undefined ? 'Landlock' : 'supervisor';
    if (rule?.effect === 'allow') return { rule: rule.said, by: writeHolder(plan, rule).by };
    const given = this.#givenFor(path);
    if (given !== undefined) return { rule: given, by };
    if (plan.devices.some((device) => device.equals(path)) || path.equals(TTY))
      return { rule: 'a device that everybody writes to, or the terminal that the command is given', by };
    if (plan.own.some((own) => isWithin(path, own))) return { rule: this.#ownFor(path), by };
    return { rule: 'no rule about changes denies it', by };
  }

  /** The words by which the nearest tree was named. */
  #givenFor(path: PathBytes): string | undefined {
    const { writable } = this.#settings.policy;
    const trees = this.#run.policy.files?.writable.filter((tree) => isWithin(path, tree)) ?? [];
    const nearest = trees.toSorted((a, b) => b.length - a.length)[0];
    if (nearest === undefined || writable.length === 0) return undefined;
    const given = writable.find((one) => meansPath(one, nearest));
    return `--write-allow=${given === undefined ? escapeBytes(nearest) : given.text}`;
  }

  #ownFor(path: PathBytes): string {
    const given = this.#settings.policy.own.find((one) => isWithin(path, givenPath(one)));
    const said = given === undefined ? '--own-tmp' : `--write-own=${given.text}`;
    return this.#settings.policy.ownTemporary || given !== undefined
      ? `${said}: what it makes there itself`
      : 'what it makes itself in shared memory';
  }

  /** Landlock lets nobody in it trace those outside (landlock(7)), and the supervisor opens nothing of theirs. */
  #othersProcess({ path }: Found): Told | undefined {
    const { plan, policy } = this.#run;
    if (!TRACED_PATTERN.test(path.toString('latin1')) || !restrictsAnything(policy)) return undefined;
    const rule = 'what is in a process outside is not looked at';
    if (plan.situation.landlockDomain) return { rule, by: 'Landlock' };
    return plan.reading === undefined ? undefined : { rule, by: 'supervisor' };
  }
}

/** Starting a program: its file and its interpreters are executed and read. */
export function whyExecuted({ plan, policy }: PlannedRun, asked: Assignment, word: string): Answer {
  const name = toBytes(reading(asked, () => expandPath(word, placesEnvironment())));
  const found = resolveCommand(name, variableBytes('PATH', process.env));
  const files = executedFiles(found.kind === 'notFound' ? name : found.path);
  const file = files[0] ?? absolutePath(found.kind === 'notFound' ? name : found.path);
  const answer = { access: 'execute', what: escapeBytes(file) } as const;
  const refusal = startRefusal(policy, files.length === 0 ? [file] : files);
  if (refusal !== undefined) {
    const { access, rule } = refusal;
    const note = refusal.file.equals(file)
      ? access === 'read'
        ? 'what is executed is read'
        : undefined
      : `it runs by ${escapeBytes(refusal.file)}`;
    return {
      ...answer,
      allowed: false,
      rule: rule.said,
      by: access === 'execute' ? 'Landlock' : readHolder(plan, rule).by,
      note,
    };
  }
  const note =
    found.kind === 'notFound'
      ? 'there is no such program'
      : found.kind === 'notExecutable'
        ? errnoMessage(found.errno)
        : setsIds(file)
          ? SETS_ID
          : undefined;
  const rule = policy.execute && new RuleIndex(policy.execute).decide(file);
  if (policy.execute === undefined)
    return { ...answer, allowed: true, rule: 'executing is not restricted', by: 'nobody', note };
  return {
    ...answer,
    allowed: true,
    rule: rule?.said ?? 'no rule about executing denies it',
    by: 'Landlock',
    note,
  };
}

function meansPath(given: Assignment, path: PathBytes): boolean {
  try {
    return givenPath(given).equals(path);
  } catch {
    // A pattern, or with variables in it.
    return false;
  }
}

function find(asked: Assignment, word: string): Found {
  const written = reading(asked, () => absolutePath(toBytes(expandPath(word, placesEnvironment()))));
  const path = new Ways().of(written).place;
  reading(asked, () => {
    refuseOurOwn(path);
  });
  const descriptor = openPath(AT_FDCWD, terminated(path));
  const looked = descriptor < 0 ? openPath(AT_FDCWD, terminated(splitPath(path).parent)) : descriptor;
  try {
    const status = descriptor < 0 ? descriptor : fstat(descriptor);
    const isInterface = looked >= 0 && isInInterface(looked);
    if (typeof status === 'number')
      return { path, exists: false, mode: 0, isInterface, device: 0n, inode: 0n, isOfMember: false };
    const { device, inode, mode } = status;
    const isBlockDevice = (mode & S_IFMT) === S_IFBLK;
    return { path, exists: true, mode, isInterface, device, inode, isOfMember: false, isBlockDevice };
  } finally {
    if (looked >= 0) close(looked);
  }
}

function setsIds(file: PathBytes): boolean {
  const descriptor = openPath(AT_FDCWD, terminated(file));
  if (descriptor < 0) return false;
  const status = fstat(descriptor);
  close(descriptor);
  return typeof status !== 'number' && (status.mode & (S_ISUID | S_ISGID)) !== 0;
}

/** What the system itself has to say. */
function natural({ path, exists }: Found, mode: number): string | undefined {
  const asked = exists ? path : splitPath(path).parent;
  const errno = accessPath(asked, mode);
  return errno === 0 ? undefined : `but the system itself would not let this user: ${errnoMessage(-errno)}`;
}
