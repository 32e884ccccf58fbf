/** Attacks on names of hosts: shown to work natively, then held in every engine, by what arrives on the other side of the cable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';
import { NEIGHBOUR } from './namespaces.ts';
import { makeNamedNetwork, type NamedNetwork } from './resolver.ts';

/** What the scripts have: a question, and who answers one. */
export const QUESTIONS = String.raw`
import array, struct, threading
RESOLVER = ('${NEIGHBOUR}', 53)
def labels(name): return b''.join(bytes([len(one)]) + one for one in name.encode().split(b'.')) + b'\0'
def question(name, kind=1, extra=b'', counts=(1, 0, 0, 0), number=0x1234):
    return struct.pack('!HHHHHH', number, 0x100, *counts) + (name if isinstance(name, bytes) else labels(name)) + struct.pack('!HH', kind, 1) + extra
def udp(): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); return s
def ask(s, name, **more):
    s.send(question(name, **more)); return s.recv(4096)
def code(answer): return answer[3] & 15
def tries(*steps):
    for step in steps:
        try: step()
        except Exception as error: print('#', step, error)
`;

export interface Attack {
  /** Its number in docs/threat-model.md. */
  readonly id: string;
  readonly title: string;
  readonly options?: readonly string[];
  readonly script: string;
  /** Of what may arrive, beside questions about allowed.example. */
  readonly legal?: readonly RegExp[];
  readonly check?: (outcome: Outcome, named: NamedNetwork) => void;
  /** What arrives where nobody holds it. */
  readonly natively: RegExp;
}

const LEGAL = /^question allowed\.example \d+ (?:udp|tcp)$|^tcp 192\.168\.1\.2 53$/;

/** As root alone: it takes network namespaces. */
export function attackNames({
  id,
  title,
  options = ['--allowed-hosts=allowed.example:80'],
  script,
  legal = [],
  check,
  natively,
}: Attack): void {
  void test(`${id} ${title} (${who})`, async (t) => {
    const named = await makeNamedNetwork(t);
    if (named === undefined) return;
    const words = python(QUESTIONS + script);
    await run([...named.network.inside, ...words]);
    const free = await named.arrived();
    assert.ok(
      free.some((line) => natively.test(line)),
      `the attack must work natively: ${free.join('\n')}`,
    );
    named.questions();
    for (const engine of engines) {
      const held = secfiltWords(['--quiet', ...engine.options, ...options, '--', ...words]);
      const outcome = await run([...named.network.inside, ...held]);
      const arrived = await named.arrived();
      for (const line of arrived)
        assert.ok(
          [LEGAL, ...legal].some((one) => one.test(line)),
          `${engine.name}: ${arrived.join('\n')} ${outcome.stdout}`,
        );
      check?.(outcome, named);
    }
  });
}
