import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationRule } from '../policy/destinations.ts';
import type { ListedDestinations, Policy } from '../policy/policy.ts';
import { kernelObstacles } from './kernel-plan.ts';

const FEATURES = { landlockAbi: 6, listener: true, waitKillable: true, coreHandler: false };
const RULE: DestinationRule = {
  effect: 'allow',
  to: { kind: 'host', name: { labels: ['a'], zone: false } },
  ports: undefined,
  protocol: undefined,
  said: '--allowed-hosts=a',
};
const PORT = { network: undefined, ports: [{ first: 80, last: 80 }], protocol: undefined };

function obstacles(policy: Partial<Policy>): string {
  const whole: Policy = { files: undefined, network: undefined, unixSockets: [], ...policy };
  return kernelObstacles(whole, FEATURES)
    .map(({ option }) => option)
    .join(' ');
}

function listed(more: Partial<ListedDestinations>): Partial<Policy> {
  return {
    network: { kind: 'listed', networks: undefined, ports: undefined, endpoints: [], ...more },
  };
}

void test('each option that the kernel alone cannot hold is named', () => {
  const denied: DestinationRule = { ...RULE, effect: 'deny', said: '--denied-netmasks=@private' };
  const rows: [Partial<Policy>, string][] = [
    [listed({ ports: [80] }), ''],
    [listed({ networks: [] }), '--allowed-netmasks'],
    [listed({ networks: [], rules: [RULE, RULE] }), '--allowed-hosts'],
    [listed({ rules: [denied, RULE] }), '--denied-netmasks --allowed-hosts'],
    [
      listed({ networks: [{ address: new Uint8Array(4), prefix: 8 }], rules: [denied] }),
      '--allowed-netmasks --denied-netmasks',
    ],
    [{ network: { kind: 'families' }, listen: [] }, '--allowed-listen'],
    [{ network: { kind: 'none' }, listen: [] }, ''],
    [{ ...listed({ ports: [80] }), listen: [] }, ''],
    [{ network: { kind: 'none' }, listen: [PORT] }, '--allowed-listen'],
  ];
  for (const [policy, expected] of rows) assert.equal(obstacles(policy), expected, JSON.stringify(policy));
});
