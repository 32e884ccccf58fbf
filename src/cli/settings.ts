/** All that was said about a run, put together and checked for contradictions. Values are still words here. */
import { type Assignment, Assignments } from './assignments.ts';
import { ENGINES, type Engine, type BooleanOptionName, type OptionName } from '../options/option-table.ts';
import type { SetDefinition } from './sets.ts';
import { UsageError } from './usage-error.ts';

export interface Settings {
  readonly policy: PolicyWords;
  readonly engine: Engine;
  /** Where refused calls are logged. */
  readonly log: Assignment | undefined;
  /** Where what the command does is learned to; nothing is restricted then. */
  readonly learn: Assignment | undefined;
  /** And what it reads. */
  readonly learnsReading: boolean;
  /** What no option allows is asked about at the terminal. */
  readonly ask: Assignment | undefined;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** Every config file that was read, as it was named. */
  readonly configFiles: readonly Buffer[];
}

/** What the policy is made of. `network` says what the list of networks, ports and resolvers is worth. */
export interface PolicyWords {
  readonly readOnly: boolean;
  readonly writable: readonly Assignment[];
  readonly writeDenied: readonly Assignment[];
  readonly readAllowed: readonly Assignment[];
  readonly readDenied: readonly Assignment[];
  readonly execAllowed: readonly Assignment[];
  readonly execDenied: readonly Assignment[];
  /** Sets that config files define. */
  readonly sets: readonly SetDefinition[];
  /** Directories where what the command makes is its own. */
  readonly own: readonly Assignment[];
  /** --own-tmp, where it is on. */
  readonly ownTemporary: boolean;
  readonly network: 'open' | 'families' | 'none' | 'listed';
  readonly networks: readonly Assignment[];
  readonly ports: readonly Assignment[];
  /** Hosts by name, and what is denied. */
  readonly destinations: DestinationWords;
  /** --allowed-listen. */
  readonly listen: readonly Assignment[];
  /** --allow-resolv, where it is on. */
  readonly resolvers: Assignment | undefined;
  readonly unixSockets: readonly Assignment[];
}

export interface DestinationWords {
  readonly hosts: readonly Assignment[];
  readonly deniedHosts: readonly Assignment[];
  readonly deniedNetworks: readonly Assignment[];
  readonly deniedPorts: readonly Assignment[];
}

/** Throws a UsageError where one option takes back what another one says. */
export function makeSettings(
  given: Iterable<Assignment>,
  configFiles: readonly Buffer[] = [],
  sets: readonly SetDefinition[] = [],
): Settings {
  const assignments = new Assignments(given);
  const policy = makePolicyWords(assignments, sets);
  const engine = assignments.last('engine')?.text;
  const learn = assignments.last('learn');
  const learnsReading = learn !== undefined && deniesAllReading(policy);
  const restricting = learnsReading ? { ...policy, readDenied: [] } : policy;
  if (learn) refuseRestrictions(learn, restricting, engine);
  return {
    policy,
    learnsReading,
    engine: ENGINES.find((name) => name === engine) ?? 'auto',
    log: assignments.last('log'),
    learn,
    ask: askOf(assignments, learn),
    verbose: assignments.isOn('verbose'),
    quiet: assignments.isOn('quiet'),
    configFiles,
  };
}

/** Throws a UsageError where nothing is refused that could be asked about, or nobody hears of it. */
function askOf(assignments: Assignments, learn: Assignment | undefined): Assignment | undefined {
  const ask = assignments.isOn('ask') ? assignments.last('ask') : undefined;
  const isKernel = assignments.last('engine')?.text === 'kernel';
  if (!ask || (!learn && !isKernel)) return ask;
  const problem = isKernel ? 'needs a supervisor' : `contradicts ${learn?.spelling}`;
  const hint = isKernel ? 'leave out --engine=kernel' : 'leave one of them out';
  throw new UsageError({ option: ask.spelling, problem, hint, origin: ask.origin });
}

/** What is read is learned where all reading would be denied, and nothing is said of what is to be allowed yet. */
function deniesAllReading({ readDenied, readAllowed }: PolicyWords): boolean {
  return readAllowed.length === 0 && readDenied.length > 0 && readDenied.every(({ text }) => text === '/');
}

/** What is to be learned would be lost on a run that is restricted, or that nobody watches. */
function refuseRestrictions(learn: Assignment, policy: PolicyWords, engine: string | undefined): void {
  if (!restrictsAnything(policy) && engine !== 'kernel') return;
  const problem = engine === 'kernel' ? 'needs a supervisor' : 'watches a run without restrictions';
  const hint =
    engine === 'kernel'
      ? 'leave out --engine=kernel'
      : 'leave the restrictions out, but --read-deny=/ to learn what is read';
  throw new UsageError({ option: learn.spelling, problem, hint, origin: learn.origin });
}

function restrictsAnything({
  readOnly,
  network,
  writeDenied,
  readDenied,
  execDenied,
}: Restrictions): boolean {
  const denied = [writeDenied, readDenied, execDenied];
  return readOnly || network !== 'open' || denied.some(({ length }) => length > 0);
}

type Restrictions = Pick<PolicyWords, 'readOnly' | 'network' | 'writeDenied' | 'readDenied' | 'execDenied'>;

function makePolicyWords(assignments: Assignments, sets: readonly SetDefinition[]): PolicyWords {
  const writable = assignments.all('write-allow');
  const places = {
    writeDenied: assignments.all('write-deny'),
    readAllowed: assignments.all('read-allow'),
    readDenied: assignments.all('read-deny'),
    execAllowed: assignments.all('exec-allow'),
    execDenied: assignments.all('exec-deny'),
  };
  refuseAlone(places.readAllowed, places.readDenied, 'read-deny');
  refuseAlone(places.execAllowed, places.execDenied, 'exec-deny');
  const own = assignments.all('write-own');
  const ownTmp = assignments.isOn('own-tmp') ? assignments.last('own-tmp') : undefined;
  const networks = assignments.all('allowed-netmasks');
  const ports = assignments.all('allowed-ports');
  const unixSockets = assignments.all('allow-unix');
  const resolvers = assignments.isOn('allow-resolv') ? assignments.last('allow-resolv') : undefined;
  const none = assignments.isOn('no-outbound-network') ? assignments.last('no-outbound-network') : undefined;
  const destinations = {
    hosts: assignments.all('allowed-hosts'),
    deniedHosts: assignments.all('denied-hosts'),
    deniedNetworks: assignments.all('denied-netmasks'),
    deniedPorts: assignments.all('denied-ports'),
  };
  const [rule] = Object.values(destinations).flat();
  const listen = assignments.all('allowed-listen');
  const listed = networks[0] ?? ports[0] ?? resolvers ?? rule;
  refuseContradiction(assignments, 'read-only', writable[0] ?? own[0] ?? ownTmp);
  refuseContradiction(assignments, 'mainstream-network-families', none ?? listed ?? listen[0]);

  const readOnly =
    assignments.isOn('read-only') || writable.length > 0 || own.length > 0 || ownTmp !== undefined;
  const isMainstream = assignments.isOn('mainstream-network-families') || listen.length > 0;
  const families = isMainstream ? 'families' : 'open';
  const network = none ? 'none' : listed ? 'listed' : families;
  const useless = unixSockets[0];
  if (useless && !restrictsAnything({ readOnly, network, ...places })) {
    const hint = 'Unix sockets are open unless files or the network are restricted';
    throw new UsageError({
      option: useless.spelling,
      problem: 'has no effect',
      hint,
      origin: useless.origin,
    });
  }
  const ownTemporary = ownTmp !== undefined;
  return {
    readOnly,
    writable,
    ...places,
    sets,
    own,
    ownTemporary,
    network,
    networks,
    ports,
    destinations,
    listen,
    resolvers,
    unixSockets,
  };
}

/** What is allowed is an exception: without anything that is denied it would restrict nothing. */
function refuseAlone(
  [allowed]: readonly Assignment[],
  denied: readonly Assignment[],
  deny: OptionName,
): void {
  if (allowed === undefined || denied.length > 0) return;
  const dashes = allowed.origin.kind === 'command-line' ? '--' : '';
  throw new UsageError({
    option: allowed.spelling,
    word: allowed.text,
    problem: 'restricts nothing: all is allowed but what is denied',
    hint: `say what it is an exception of, as in ${dashes}${deny}=/`,
    origin: allowed.origin,
  });
}

/** A restriction that was switched off aloud cannot be what another option implies. */
function refuseContradiction(
  assignments: Assignments,
  name: BooleanOptionName,
  implying: Assignment | undefined,
): void {
  const said = assignments.last(name);
  if (said === undefined || said.on || implying === undefined) return;
  throw new UsageError({
    option: said.spelling,
    word: said.text,
    problem: `contradicts ${implying.spelling}, which implies ${name}`,
    hint: 'leave one of them out',
    origin: said.origin,
  });
}

/** Whether somebody is told of each refusal as it comes, or is asked. */
export function wantsReports({ verbose, log, learn, ask }: Settings): boolean {
  return verbose || log !== undefined || learn !== undefined || ask !== undefined;
}
