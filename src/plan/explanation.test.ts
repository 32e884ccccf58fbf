import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationRule } from '../policy/destinations.ts';
import type { Policy } from '../policy/policy.ts';
import { AccessFs } from '../linux/landlock.ts';
import { notify, trace, type Expression } from '../seccomp/expression.ts';
import { X86_64, type SyscallName } from '../linux/syscalls.ts';
import type { Judge } from './catalogue.ts';
import { explainLacks, explainPromises, type Layer, type Subject } from './explanation.ts';
import { buildFilter } from './filter/build.ts';
import { makeKernelPlan } from './kernel-plan.ts';
import { makePlan, type Plan } from './plan.ts';

const JUDGES: ReadonlySet<Judge> = new Set(['files', 'metadata', 'network', 'signals', 'processes', 'ipc']);
const OPEN: Policy = { files: undefined, network: undefined, unixSockets: [] };
const FILES: Policy = { ...OPEN, files: { writable: [Buffer.from('/srv')] } };
const NETWORK: Policy = { ...OPEN, network: { kind: 'none' } };
const BOTH: Policy = { ...FILES, network: { kind: 'none' } };

function plans(): Plan[] {
  return [OPEN, FILES, NETWORK, BOTH].flatMap((policy) =>
    [0, 1, 2, 3, 5, 6, 7].flatMap((landlockAbi) => {
      const features = { landlockAbi, listener: true, waitKillable: landlockAbi > 1, coreHandler: false };
      const supervised = [notify, trace(0)].map((refer) =>
        makePlan(policy, features, { refer, judges: JUDGES, terminals: [] }),
      );
      return landlockAbi < 6 ? supervised : [...supervised, makeKernelPlan(policy, features, [], false)];
    }),
  );
}

function holders(plan: Plan, about: Subject): Set<Layer> {
  const promise = explainPromises(plan).find((candidate) => candidate.about === about);
  assert.ok(promise, about);
  return new Set(promise.held.map(({ by }) => by));
}

function answers(plan: Plan, name: SyscallName): Set<string> {
  const collect = (expression: Expression): string[] =>
    expression.kind === 'if'
      ? [...collect(expression.then), ...collect(expression.otherwise)]
      : [expression.kind];
  const filter = buildFilter(plan.situation);
  return new Set(collect(filter.calls.get(X86_64[name]) ?? filter.unknown));
}

void test('who holds listening is who is asked about it', () => {
  const features = { landlockAbi: 6, listener: true, waitKillable: true, coreHandler: false };
  for (const network of [{ kind: 'families' }, { kind: 'none' }] as const) {
    const policy: Policy = { ...OPEN, network, listen: [] };
    for (const refer of [notify, trace(0)]) {
      const plan = makePlan(policy, features, { refer, judges: JUDGES, terminals: [] });
      assert.deepEqual([...holders(plan, 'listening')], ['supervisor']);
      assert.ok(isReferred(answers(plan, 'listen')) && isReferred(answers(plan, 'bind')));
    }
  }
  const alone = makeKernelPlan({ ...NETWORK, listen: [] }, features, [], false);
  assert.deepEqual([...holders(alone, 'listening')], ['filter']);
  assert.deepEqual([...answers(alone, 'listen')], ['errno']);
});

function hostRule(effect: 'allow' | 'deny', said: string): DestinationRule {
  const name = { labels: ['a'], zone: false };
  return { effect, to: { kind: 'host', name }, ports: undefined, protocol: undefined, said };
}

void test('what is denied is said beside what is allowed', () => {
  const features = { landlockAbi: 6, listener: true, waitKillable: true, coreHandler: false };
  const promised = (rules: readonly DestinationRule[], networks?: readonly []): string => {
    const network = { kind: 'listed', networks, ports: undefined, endpoints: [], rules } as const;
    const plan = makePlan({ ...OPEN, network }, features, { refer: notify, judges: JUDGES, terminals: [] });
    return explainPromises(plan).find(({ about }) => about === 'network')?.promise ?? '';
  };
  assert.match(
    promised([hostRule('deny', '--denied-hosts=a')]),
    /to any address, but not where --denied-hosts=a says no$/,
  );
  assert.match(promised([hostRule('allow', '--allowed-hosts=a')], []), /only to the hosts, [a-z, ]+ listed$/);
});

const isReferred = (said: Set<string>): boolean => said.has('notify') || said.has('trace');

void test("truncation is said to be Landlock's exactly where the ruleset handles it, and else the supervisor's", () => {
  for (const plan of plans()) {
    const { held } = explainPromises(plan).find(({ about }) => about === 'files') ?? { held: [] };
    const says = (layer: Layer): boolean =>
      held.some(({ by, how }) => by === layer && how.includes('truncat'));
    if (plan.policy.files === undefined) continue;
    const isHandled = ((plan.landlock?.ruleset.handledAccessFs ?? 0) & AccessFs.TRUNCATE) !== 0;
    assert.deepEqual([says('Landlock'), says('supervisor')], [isHandled, !isHandled]);
  }
});

void test('a promise is held by the supervisor exactly where the filter refers its calls', () => {
  const calls: [Subject, SyscallName][] = [
    ['files', 'openat'],
    ['network', 'connect'],
    ['unix-sockets', 'connect'],
    ['signals', 'kill'],
  ];
  for (const plan of plans()) {
    for (const [about, name] of calls) {
      if (about === 'network' && plan.policy.network === undefined) continue;
      assert.equal(holders(plan, about).has('supervisor'), isReferred(answers(plan, name)), about);
    }
  }
});

void test('Landlock holds what its ruleset handles, and debugging where the filter lets ptrace pass', () => {
  for (const plan of plans()) {
    const { landlock } = plan;
    assert.equal(holders(plan, 'files').has('Landlock'), landlock !== undefined);
    assert.equal(holders(plan, 'signals').has('Landlock'), landlock?.signalScope === true);
    assert.equal(holders(plan, 'debugging').has('Landlock'), answers(plan, 'ptrace').has('allow'));
  }
});

void test('what is not restricted is held by nobody, all else by somebody', () => {
  for (const plan of plans()) {
    const { files, network } = plan.policy;
    const restricted = files !== undefined || network !== undefined;
    for (const { about, held } of explainPromises(plan)) {
      const open =
        (about === 'network' && network === undefined) || (about === 'unix-sockets' && !restricted);
      assert.equal(held.length === 0, open, about);
    }
  }
});

function lacks(landlockAbi: number): string[] {
  const features = { landlockAbi, listener: true, waitKillable: true, coreHandler: false };
  const plan = makePlan(FILES, features, { refer: notify, judges: JUDGES, terminals: [] });
  return explainLacks(plan).map(({ lacks: missing, instead }) => `${missing}: ${instead}`);
}

void test('what a kernel lacks is told with what stands in for it', () => {
  assert.deepEqual(lacks(7), []);
  assert.deepEqual(lacks(5), ['Landlock ABI 6 (signal scope): the supervisor judges every signal']);
  assert.doesNotMatch(lacks(2).join('\n'), /ABI [23]/);
  assert.match(lacks(1).join('\n'), /^Landlock ABI 2 .*EXDEV/m);
  assert.match(lacks(0).join('\n'), /^Landlock: the supervisor makes every change/m);
});
