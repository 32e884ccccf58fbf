/**
 * A service for tests, as a program: its sandboxes hold nothing. Words of its own make a sandbox fail; a first argument is a file in which
 * it notes what is closed.
 */
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { LogRecord } from '../report/log-record.ts';
import { type OpenRequest, type OpenSandbox, serveHost, type Teller, Unavailable } from './host-channel.ts';

const CHANNEL = 3;
const notes = process.argv[2];
let opened = 0;

/** A refusal, its rule a word for the test. */
function record(rule: string): LogRecord {
  return {
    v: 1,
    time: '2026-11-23T10:00:00.000Z',
    tid: 1,
    call: 'openat',
    operation: 'write',
    object: { kind: 'path', path: '/a' },
    verdict: 'refused',
    errno: 'EPERM',
    layer: 'supervisor',
    rule,
  };
}

async function open({ options, asks }: OpenRequest, teller: Teller): Promise<OpenSandbox> {
  if (options.includes('--bad'))
    throw new Error('--write-allow: "/x" is in a directory that does not exist: /');
  if (options.includes('--unavailable')) throw new Unavailable('no ptrace here');
  if (options.includes('--late')) await new Promise((done) => setTimeout(done, 200));
  opened += 1;
  const name = `sandbox ${opened}`;
  if (asks)
    setImmediate(() => {
      const asked = teller.ask(1, record('asks'));
      if (options.includes('--withdraw')) asked.withdraw();
      void asked.verdict.then((verdict) => teller.refused(1, record(verdict)));
    });
  return {
    client: '/usr/bin/env',
    settled: (pid) => {
      teller.refused(pid, record(`late of ${options.join(' ')}`));
      return 5;
    },
    close: () => {
      if (notes !== undefined) appendFileSync(notes, `closed ${name}\n`);
    },
  };
}

await serveHost(new Socket({ fd: CHANNEL }), { open });
if (notes !== undefined) appendFileSync(notes, 'ended\n');
