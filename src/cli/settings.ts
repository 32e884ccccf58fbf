/** All that was said about a run, put together and checked for contradictions. Values are still words here. */
import { type Assignment, Assignments } from './assignments.ts';
import { ENGINES, type Engine, type BooleanOptionName } from './option-table.ts';
import { UsageError } from './usage-error.ts';

export interface Settings {
  readonly policy: PolicyWords;
  readonly engine: Engine;
  /** Where refused calls are logged. */
  readonly log: Assignment | undefined;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

/** What the policy is made of. `network` says what the list of networks, ports and resolvers is worth. */
export interface PolicyWords {
  readonly readOnly: boolean;
  readonly writable: readonly Assignment[];
  readonly network: 'open' | 'families' | 'none' | 'listed';
  readonly networks: readonly Assignment[];
  readonly ports: readonly Assignment[];
  /** --allow-resolv, where it is on. */
  readonly resolvers: Assignment | undefined;
  readonly unixSockets: readonly Assignment[];
}

/** Throws a UsageError where one option takes back what another one says. */
export function makeSettings(given: Iterable<Assignment>): Settings {
  const assignments = new Assignments(given);
  const policy = makePolicyWords(assignments);
  const engine = assignments.last('engine')?.text;
  return {
    policy,
    engine: ENGINES.find((name) => name === engine) ?? 'auto',
    log: assignments.last('log'),
    verbose: assignments.isOn('verbose'),
    quiet: assignments.isOn('quiet'),
  };
}

function makePolicyWords(assignments: Assignments): PolicyWords {
  const writable = assignments.all('write-allow');
  const networks = assignments.all('allowed-netmasks');
  const ports = assignments.all('allowed-ports');
  const unixSockets = assignments.all('allow-unix');
  const resolvers = assignments.isOn('allow-resolv') ? assignments.last('allow-resolv') : undefined;
  const none = assignments.isOn('no-outbound-network') ? assignments.last('no-outbound-network') : undefined;
  const listed = networks[0] ?? ports[0] ?? resolvers;
  refuseContradiction(assignments, 'read-only', writable[0]);
  refuseContradiction(assignments, 'mainstream-network-families', none ?? listed);

  const readOnly = assignments.isOn('read-only') || writable.length > 0;
  const families = assignments.isOn('mainstream-network-families') ? 'families' : 'open';
  const network = none ? 'none' : listed ? 'listed' : families;
  const useless = unixSockets[0];
  if (useless && !readOnly && network === 'open') {
    const hint = 'Unix sockets are open unless files or the network are restricted';
    throw new UsageError({
      option: useless.spelling,
      problem: 'has no effect',
      hint,
      origin: useless.origin,
    });
  }
  return { readOnly, writable, network, networks, ports, resolvers, unixSockets };
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
