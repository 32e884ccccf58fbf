import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { unescapeBytes } from './escape.ts';
import type { Layer, Operation, ReportedObject } from './event.ts';
import { logLine } from './log.ts';
import type { LogRecord } from './log-record.ts';
import { connectTo, refusal, writeOf } from './sample-events.ts';

function record(...args: Parameters<typeof logLine>): LogRecord {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape is what is tested
  return JSON.parse(logLine(...args)) as LogRecord;
}

void test('logLine() writes the documented members', () => {
  const { command, ...rest } = record(writeOf('/home/ann/b'), {
    kind: 'options',
    options: '--write-allow=/home/ann/b',
  });
  assert.equal(typeof command, 'string');
  assert.deepEqual(rest, {
    v: 1,
    time: '2026-11-23T10:00:00.000Z',
    pid: process.pid,
    tid: process.pid,
    call: 'openat',
    operation: 'write',
    object: { kind: 'path', path: '/home/ann/b' },
    verdict: 'refused',
    errno: 'EPERM',
    layer: 'supervisor',
    rule: 'outside --write-allow',
    allow: '--write-allow=/home/ann/b',
  });
});

void test('logLine() leaves out what does not apply', () => {
  const allowed = record(refusal('write', { kind: 'none' }, { verdict: 'allowed', errno: 0, tid: 2 ** 30 }), {
    kind: 'none',
  });
  for (const member of ['errno', 'allow', 'instead', 'sensitive', 'pid', 'command'])
    assert.ok(!(member in allowed), member);
  const failed = record(refusal('create', { kind: 'none' }, { verdict: 'allowed', errno: 17 }), {
    kind: 'none',
  });
  assert.deepEqual([failed.verdict, failed.errno], ['allowed', 'EEXIST']);
  const sensitive = record(writeOf('/etc/x'), { kind: 'sensitive', reason: 'system settings' });
  assert.equal(sensitive.sensitive, 'system settings');
  assert.ok(!('allow' in sensitive));
  const instead = record(connectTo([10, 0, 0, 1], 80), {
    kind: 'options',
    options: '--x',
    instead: '--no-outbound-network',
  });
  assert.deepEqual([instead.allow, instead.instead], ['--x', '--no-outbound-network']);
});

void test('logLine() writes every kind of object', () => {
  const rows: [ReportedObject, LogRecord['object']][] = [
    [
      { kind: 'paths', from: Buffer.from('/a'), to: Buffer.of(0x2f, 0xff) },
      { kind: 'paths', from: '/a', to: '/\\xff' },
    ],
    [
      { kind: 'unix-path', path: Buffer.from('/run/s') },
      { kind: 'unix-path', path: '/run/s' },
    ],
    [
      { kind: 'unix-abstract', name: Buffer.from('a\0b') },
      { kind: 'unix-abstract', name: 'a\\x00b' },
    ],
    [
      { kind: 'process', pid: 7 },
      { kind: 'process', pid: 7 },
    ],
    [{ kind: 'none' }, { kind: 'none' }],
    [
      { kind: 'address', address: Uint8Array.of(10, 0, 0, 1), port: 53, protocol: 'udp' },
      { kind: 'address', address: '10.0.0.1', port: 53, protocol: 'udp' },
    ],
    [
      {
        kind: 'address',
        address: Uint8Array.of(10, 0, 0, 1),
        port: 1,
        protocol: 'tcp',
        names: ['a.b', 'c\x1b'],
      },
      { kind: 'address', address: '10.0.0.1', port: 1, protocol: 'tcp', names: ['a.b', 'c\\x1b'] },
    ],
  ];
  for (const [object, logged] of rows)
    assert.deepEqual(record(refusal('other', object), { kind: 'none' }).object, logged);
});

void test('docs/log-schema.md names every operation, layer and kind of object', () => {
  const operations: Record<Operation, true> = {
    read: true,
    write: true,
    create: true,
    remove: true,
    rename: true,
    link: true,
    change: true,
    connect: true,
    send: true,
    bind: true,
    'look-up': true,
    signal: true,
    other: true,
  };
  const layers: Record<Layer, true> = { supervisor: true, filter: true, landlock: true };
  const kinds: Record<ReportedObject['kind'], true> = {
    path: true,
    paths: true,
    address: true,
    'unix-path': true,
    'unix-abstract': true,
    host: true,
    process: true,
    none: true,
  };
  const rows = readFileSync('docs/log-schema.md', 'utf8').split('\n');
  const meaning = (member: string): string[] =>
    namesIn(rows.find((row) => row.startsWith(`| \`${member}\` |`))?.split('|')[4]);
  assert.deepEqual(meaning('operation'), Object.keys(operations));
  assert.deepEqual(meaning('layer'), Object.keys(layers));
  const start = rows.findIndex((row) => row.startsWith('| `object.kind` |')) + 2;
  const documented = rows.slice(start, rows.indexOf('', start)).map((row) => namesIn(row)[0]);
  assert.deepEqual(documented, Object.keys(kinds));
});

void test('logLine() is one line, and loses no byte of a path', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const path = Buffer.from(bytes);
      const line = logLine(refusal('write', { kind: 'path', path }), { kind: 'none' });
      assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape is what is tested
      const { object } = JSON.parse(line) as LogRecord;
      assert.ok(object.kind === 'path');
      assert.deepEqual(unescapeBytes(object.path), path);
    }),
  );
});

void test('logLine() tells process and name of a thread, hostile names included', async (t) => {
  const script =
    "import sys, threading, time\nopen('/proc/self/comm', 'wb').write(b'a\\\\n\\nTgid:\\t1\\x1b')\nprint(threading.get_native_id(), flush=True)\nsys.stdin.read()";
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  const started = await new Promise<boolean>((resolve) => {
    child.stdout.once('data', () => resolve(true));
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
  });
  if (!started) return t.skip('python3 is needed');
  const { pid, command } = record(refusal('write', { kind: 'none' }, { tid: child.pid ?? 0 }), {
    kind: 'none',
  });
  assert.equal(pid, child.pid);
  assert.deepEqual(unescapeBytes(command ?? ''), Buffer.from('a\\n\nTgid:\t1\x1b'));
});

function namesIn(row = ''): string[] {
  return Array.from(row.matchAll(/`([^`]+)`/g), ([, name = '']) => name);
}
