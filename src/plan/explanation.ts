/** What a plan promises, and which layer holds each promise. Pure: the words are made from the plan alone. */
import { AccessFs, Scope } from '../linux/landlock.ts';
import { restrictsAnything, type NetworkPolicy } from '../policy/policy.ts';
import type { Plan } from './plan.ts';

export type Layer = 'Landlock' | 'filter' | 'supervisor' | 'launcher';

/** What a promise is about; stable, for programs. */
export type Subject =
  | 'files'
  | 'reading'
  | 'execution'
  | 'network'
  | 'listening'
  | 'unix-sockets'
  | 'signals'
  | 'debugging'
  | 'privileges'
  | 'system';

export interface Held {
  readonly by: Layer;
  readonly how: string;
}

export interface ExplainedPromise {
  readonly about: Subject;
  readonly promise: string;
  /** Empty: nothing is promised. */
  readonly held: readonly Held[];
}

/** Something that this kernel has not, and what is done instead. */
export interface Lack {
  readonly lacks: string;
  readonly instead: string;
}

/** The promises of a plan, those that the options ask for first. */
export function explainPromises(plan: Plan): ExplainedPromise[] {
  return [
    files(plan),
    ...reading(plan),
    ...execution(plan),
    network(plan),
    ...listening(plan),
    unixSockets(plan),
    signals(plan),
    debugging(plan),
    ...always(),
  ];
}

/** What of Landlock and of the listener this plan would have used. */
export function explainLacks(plan: Plan): Lack[] {
  const { landlock, situation, waitKillable } = plan;
  const abi = landlock?.abi ?? 0;
  const supervised = situation.refer !== undefined;
  const lacks: Lack[] = [];
  const add = (missing: string, instead: string): void => {
    lacks.push({ lacks: missing, instead });
  };
  if (supervised && situation.restrictsFiles) {
    if (abi < 1)
      add('Landlock', 'the supervisor makes every change of files itself, and no cores are dumped');
    if (abi === 1) add('Landlock ABI 2 (renames between directories)', 'the kernel refuses them with EXDEV');
  }
  if (situation.withoutCores && abi >= 1)
    add('a file for core dumps', 'no cores are dumped: a program outside would get them');
  if (abi < 1) add('Landlock for processes', 'the filter refuses ptrace altogether');
  if (supervised && !situation.signalScope)
    add('Landlock ABI 6 (signal scope)', 'the supervisor judges every signal');
  if (situation.refer?.kind === 'notify' && !waitKillable)
    add(
      'calls that wait for an answer undisturbed (Linux 5.19)',
      'a signal interrupts the wait, and the call is asked about again',
    );
  return lacks;
}

function files(plan: Plan): ExplainedPromise {
  const { policy, landlock, situation, devices, denied, own } = plan;
  if (policy.files === undefined) return interfaces(plan);
  const named = policy.files.writable.length > 0;
  const held: Held[] = [];
  const truncates = landlock !== undefined && (landlock.ruleset.handledAccessFs & AccessFs.TRUNCATE) !== 0;
  if (landlock !== undefined)
    held.push({
      by: 'Landlock',
      how: `ABI ${landlock.abi}: writing, creating, removing, renaming${truncates ? ', truncating' : ''} elsewhere fails in the kernel itself`,
    });
  if (situation.refer !== undefined) {
    held.push({
      by: 'supervisor',
      how: 'opens /dev/tty for writing only where it means a terminal that was handed over',
    });
    held.push({
      by: 'supervisor',
      how: 'judges opens for writing and new names; truncates, and changes mode, owner, times and attributes itself',
    });
    held.push({
      by: 'supervisor',
      how: 'makes System V objects and message queues itself; those that others made stay closed',
    });
    held.push({ by: 'filter', how: 'refuses mounts, files by handle' });
  } else {
    held.push({ by: 'Landlock', how: '/dev/tty is not written to: nobody is there who sees what it means' });
    held.push({
      by: 'filter',
      how: 'refuses changes of mode, owner, times and attributes everywhere, mounts, files by handle, System V objects',
    });
  }
  const isAll = policy.files.writable.some((path) => path.length === 1);
  const where = isAll
    ? 'any path, but for interfaces of the kernel and what rules deny'
    : named
      ? 'the paths that --write-allow names'
      : 'no path';
  const kept = denied.length > 0 ? ', but not what secfilt itself is made of and set up by' : '';
  if (own.length > 0)
    held.push({
      by: 'supervisor',
      how: `makes, changes and removes what is the sandbox's own in ${own.map((path) => path.toString()).join(', ')}, and nothing else there`,
    });
  return {
    about: 'files',
    promise: `files are changed at ${where}${kept}; besides, ${devices.length} devices are written to`,
    held,
  };
}

function reading({ reading: choice, landlock, situation }: Plan): ExplainedPromise[] {
  if (choice === undefined) return [];
  const held: Held[] = [];
  if (landlock !== undefined)
    held.push({
      by: 'Landlock',
      how: 'what lies beside the places that are not to be read is allowed one by one, as it is at the start; all else fails with EACCES',
    });
  if (choice.heldBy === 'supervisor' && situation.refer !== undefined)
    held.push({ by: 'supervisor', how: `judges every open for reading: ${choice.why}` });
  return [
    {
      about: 'reading',
      promise: 'what the rules deny is not read; names, sizes and times stay visible',
      held,
    },
  ];
}

function execution({ policy: { execute } }: Plan): ExplainedPromise[] {
  if (execute === undefined) return [];
  const how =
    'execve fails with EACCES; what may be read can be run by a loader or an interpreter all the same';
  return [
    { about: 'execution', promise: 'what the rules deny is not executed', held: [{ by: 'Landlock', how }] },
  ];
}

/** What holds under every policy, for by files of these the kernel acts on processes outside. */
function interfaces({ landlock, situation }: Plan): ExplainedPromise {
  const held: Held[] = [];
  if (landlock !== undefined)
    held.push({
      by: 'Landlock',
      how: `ABI ${landlock.abi}: writing there, making and removing control groups fails in the kernel itself`,
    });
  if (situation.refer !== undefined) {
    const what =
      situation.names === 'all' ? 'opens for writing and new names' : 'opens for writing of files that exist';
    held.push({
      by: 'supervisor',
      how: `judges ${what}, and opens what a process has under /proc of its own`,
    });
  }
  return {
    about: 'files',
    promise:
      "files are not restricted, but for interfaces of the kernel (/proc but one's own, /sys, control groups), which are not written to",
    held,
  };
}

const NETWORK_PROMISES: Readonly<Record<NetworkPolicy['kind'], string>> = {
  families: 'only ordinary families and protocols of sockets',
  none: 'no outbound connection and no datagram',
  listed: 'outbound only to the networks, ports and resolvers that are listed',
};

function network({ policy, landlock, situation }: Plan): ExplainedPromise {
  if (policy.network === undefined)
    return { about: 'network', promise: 'the network is not restricted', held: [] };
  const { kind } = policy.network;
  const held: Held[] = [
    { by: 'filter', how: 'only IPv4, IPv6, Unix and netlink sockets, only ordinary protocols' },
  ];
  if (kind !== 'families') {
    if (situation.judges.has('network') && situation.refer !== undefined)
      held.push({
        by: 'supervisor',
        how: 'reads every destination once, judges it, and makes the call itself on a copy of the socket',
      });
    if (landlock !== undefined && landlock.ruleset.handledAccessNet !== 0)
      held.push({ by: 'Landlock', how: 'TCP connects to other ports than those listed fail in the kernel' });
    if (kind === 'listed' && policy.network.rules?.some(({ to }) => to.kind === 'host') === true)
      held.push({
        by: 'supervisor',
        how: 'knows an address as a host by the names that it was given out for',
      });
    if (situation.sockets === 'none') held.push({ by: 'filter', how: 'refuses connect' });
    if (situation.sockets === 'tcp') held.push({ by: 'filter', how: 'refuses sockets other than TCP' });
  }
  return { about: 'network', promise: networkPromise(policy.network), held };
}

function networkPromise(policy: NetworkPolicy): string {
  if (policy.kind !== 'listed' || policy.rules === undefined) return NETWORK_PROMISES[policy.kind];
  const { rules, networks, ports } = policy;
  const denied = rules.filter(({ effect }) => effect === 'deny').map(({ said }) => said);
  const isOpen = networks === undefined && ports === undefined;
  const allowed = isOpen
    ? 'outbound to any address'
    : 'outbound only to the hosts, networks, ports and resolvers that are listed';
  return denied.length === 0
    ? allowed
    : `${allowed}, but not where ${[...new Set(denied)].join(', ')} says no`;
}

function listening({ policy, situation }: Plan): ExplainedPromise[] {
  const { listen } = policy;
  if (listen === undefined) return [];
  const where =
    listen.length === 0 ? 'on the loopback alone' : 'on the loopback and where --allowed-listen says';
  const held: Held =
    situation.refer === undefined
      ? { by: 'filter', how: 'refuses listen' }
      : {
          by: 'supervisor',
          how: 'judges each port that a socket is bound to, and each socket that is to listen',
        };
  return [{ about: 'listening', promise: `connections and datagrams are taken ${where}`, held: [held] }];
}

function unixSockets({ policy, landlock, situation }: Plan): ExplainedPromise {
  const about = 'unix-sockets';
  if (!restrictsAnything(policy))
    return { about, promise: 'Unix sockets of other programs are open', held: [] };
  const held: Held[] = [];
  if (situation.sockets !== undefined)
    held.push({ by: 'filter', how: 'no Unix sockets are made, but connected pairs' });
  else held.push({ by: 'supervisor', how: 'connects only to sockets bound inside, and to those named' });
  if (landlock !== undefined && (landlock.ruleset.scoped & Scope.ABSTRACT_UNIX_SOCKET) !== 0)
    held.push({ by: 'Landlock', how: 'abstract names of other programs fail in the kernel' });
  const besides = policy.unixSockets.length > 0 ? ', but for those that --allow-unix names' : '';
  return { about, promise: `Unix sockets of other programs are closed${besides}`, held };
}

function signals({ situation }: Plan): ExplainedPromise {
  const held: Held = situation.signalScope
    ? { by: 'Landlock', how: 'a signal to a process outside fails in the kernel' }
    : situation.refer !== undefined
      ? { by: 'supervisor', how: 'judges every signal by its target' }
      : { by: 'filter', how: 'refuses every signal' };
  return { about: 'signals', promise: 'no signal reaches a process outside', held: [held] };
}

function debugging({ situation }: Plan): ExplainedPromise {
  const inside = situation.landlockDomain && situation.refer?.kind !== 'trace';
  const held: Held[] = inside
    ? [{ by: 'Landlock', how: 'debuggers work, on processes inside' }]
    : [{ by: 'filter', how: 'refuses ptrace' }];
  return {
    about: 'debugging',
    promise: 'no process outside is traced, read or written',
    held: [...held, { by: 'filter', how: 'refuses calls that write the memory of others' }],
  };
}

function always(): ExplainedPromise[] {
  return [
    {
      about: 'privileges',
      promise: 'no new privileges: set-user-id programs run as anybody else',
      held: [
        { by: 'launcher', how: 'no_new_privs; as root, all but a few capabilities are dropped' },
        { by: 'filter', how: 'refuses new namespaces' },
      ],
    },
    {
      about: 'system',
      promise: 'no change of the machine as a whole, and no call that nobody knows',
      held: [
        {
          by: 'filter',
          how: 'refuses modules, clocks, keys, bpf, perf; io_uring and unknown calls do not exist; 32-bit calls are fatal',
        },
      ],
    },
  ];
}
