import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { NetworkPolicy } from '../policy/policy.ts';
import type { InternetProtocol } from './destination.ts';
import { NetworkRules } from './network.ts';

const HOME = { address: Uint8Array.of(192, 168, 1, 0), prefix: 24 };
const RESOLVER = { address: Uint8Array.of(9, 9, 9, 9), port: 53 };

function judged(
  policy: NetworkPolicy | undefined,
  address: readonly number[],
  port: number,
  protocol: InternetProtocol = 'tcp',
): string {
  const verdict = new NetworkRules(policy).judge(Uint8Array.from(address), port, protocol);
  return verdict.kind === 'refuse' ? verdict.rule : verdict.kind;
}

function listed(more: Partial<Extract<NetworkPolicy, { kind: 'listed' }>>): NetworkPolicy {
  return { kind: 'listed', networks: undefined, ports: undefined, endpoints: [], ...more };
}

void describe('NetworkRules', () => {
  const inside = [192, 168, 1, 2];
  const outside = [192, 168, 2, 2];

  void test('no policy and families alone allow every address', () => {
    assert.equal(judged(undefined, outside, 1), 'perform');
    assert.equal(judged({ kind: 'families' }, outside, 1), 'perform');
  });

  void test('no network is no network', () => {
    assert.equal(judged({ kind: 'none' }, [127, 0, 0, 1], 1), '--no-outbound-network');
  });

  void test('network and port must both match where both are given', () => {
    const policy = listed({ networks: [HOME], ports: [22] });
    assert.equal(judged(policy, inside, 22), 'perform');
    assert.equal(judged(policy, inside, 23), 'outside --allowed-ports');
    assert.equal(judged(policy, outside, 22), 'outside --allowed-netmasks');
    assert.equal(judged(listed({ ports: [22] }), outside, 22), 'perform');
    assert.equal(judged(listed({ networks: [HOME] }), inside, 65535), 'perform');
  });

  void test('a resolver is open besides, on its port', () => {
    const policy = listed({ networks: [HOME], ports: [22], endpoints: [RESOLVER] });
    assert.equal(judged(policy, [9, 9, 9, 9], 53, 'udp'), 'perform');
    assert.equal(judged(policy, [9, 9, 9, 9], 53), 'perform');
    assert.equal(judged(policy, [9, 9, 9, 9], 22), 'outside --allowed-netmasks');
    assert.equal(judged(policy, [9, 9, 9, 8], 53), 'outside --allowed-netmasks');
  });

  void test('echo requests have no port, whatever their address says', () => {
    assert.equal(judged(listed({ networks: [HOME] }), inside, 22, 'icmp'), 'perform');
    assert.equal(
      judged(listed({ networks: [HOME], ports: [22] }), inside, 22, 'icmp'),
      'outside --allowed-ports',
    );
    assert.equal(
      judged(listed({ networks: [], endpoints: [RESOLVER] }), [9, 9, 9, 9], 53, 'icmp'),
      'outside --allowed-netmasks',
    );
  });

  void test('an IPv4 network holds no IPv6 address', () => {
    const everywhere = listed({ networks: [{ address: new Uint8Array(4), prefix: 0 }] });
    assert.equal(judged(everywhere, inside, 1), 'perform');
    assert.equal(judged(everywhere, Array<number>(16).fill(1), 1), 'outside --allowed-netmasks');
  });

  void test('what is neither internet nor Unix is closed under every restriction', () => {
    assert.equal(new NetworkRules(undefined).judgeOther().kind, 'perform');
    assert.equal(new NetworkRules({ kind: 'families' }).judgeOther().kind, 'refuse');
  });
});
