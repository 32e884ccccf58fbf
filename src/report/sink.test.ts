import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSink, Sink } from './sink.ts';

const root = mkdtempSync(join(tmpdir(), 'sink-'));
after(() => rmSync(root, { recursive: true }));

function openAt(path: string): Sink {
  return openSink({ kind: 'file', path: Buffer.from(path) });
}

void test('openSink() appends to a file, which only its owner can read', () => {
  const path = join(root, 'log');
  for (const line of ['one', 'two']) {
    const sink = openAt(path);
    sink.write(line);
    sink.close();
    assert.equal(sink.lost, 0);
    assert.equal(sink.failure, undefined);
  }
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  assert.equal(statSync(path).mode & 0o077, 0);
});

void test('openSink() says what cannot be opened', () => {
  const fifo = join(root, 'lonely');
  execFileSync('mkfifo', [fifo]);
  assert.throws(() => openAt(root), {
    name: 'ValueError',
    message: /cannot be opened for writing: illegal operation on a directory/,
  });
  assert.throws(() => openAt(join(root, 'gone/x')), { message: /no such file or directory/ });
  assert.throws(() => openAt(fifo), { message: /nobody reads from this pipe/ });
  assert.throws(() => openSink({ kind: 'descriptor', fd: 100_000 }), {
    message: /is no open descriptor: did you forget 100000>FILE\?/,
  });
});

void test('openSink() takes a descriptor that is open, and goes on where others that share it have written', () => {
  const path = join(root, 'descriptor');
  const fd = openSync(path, 'w');
  const sink = openSink({ kind: 'descriptor', fd });
  writeSync(fd, 'before\n');
  sink.write('line');
  sink.close();
  writeSync(fd, 'after\n');
  closeSync(fd);
  assert.equal(readFileSync(path, 'utf8'), 'before\nline\nafter\n');
});

void test('write() survives a full disk and counts what was lost', { skip: !existsSync('/dev/full') }, () => {
  const sink = openAt('/dev/full');
  sink.write('one');
  sink.write('two');
  sink.close();
  assert.equal(sink.lost, 2);
  assert.match(sink.failure ?? '', /no space left/);
});

void test('write() survives a reader that went away', () => {
  const { path, reader } = openPipe('broken');
  const sink = openAt(path);
  closeSync(reader);
  sink.write('one');
  sink.close();
  assert.equal(sink.lost, 1);
  assert.match(sink.failure ?? '', /broken pipe/);
});

void test('write() waits little for a reader that sleeps, and keeps lines whole', () => {
  const { path, reader } = openPipe('slow');
  const sink = openAt(path);
  const line = 'x'.repeat(9999);
  const start = Date.now();
  for (let i = 0; i < 1000; i += 1) sink.write(`${i} ${line}`);
  assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`);
  assert.ok(sink.lost > 900);
  const lostBefore = sink.lost;
  let received = drain(reader);
  sink.write('last');
  assert.equal(sink.lost, lostBefore);
  sink.close();
  received += drain(reader);
  closeSync(reader);
  const lines = received.split('\n');
  assert.deepEqual(lines.slice(-2), ['last', '']);
  assert.deepEqual(
    lines.slice(0, -2),
    lines.slice(0, -2).map((_, i) => `${i} ${line}`),
  );
});

void test('takeTime() has write() wait for the reader, and says so before', async () => {
  const { path, reader } = openPipe('waited');
  const sink = openAt(path);
  const line = 'x'.repeat(99_999);
  sink.write(line);
  sink.write('lost');
  let waits = 0;
  const later = spawn('sh', ['-c', 'sleep 0.3; exec cat "$0" >"$0.read"', path]);
  sink.takeTime(Number.POSITIVE_INFINITY, () => (waits += 1));
  sink.write(line);
  sink.close();
  closeSync(reader);
  await once(later, 'exit');
  assert.deepEqual([waits, sink.lost], [1, 1]);
  assert.equal(readFileSync(`${path}.read`, 'latin1'), `${line}\n${line}\n`);
});

void test('close() counts the line that it could not end', () => {
  const { path, reader } = openPipe('torn');
  const sink = openAt(path);
  sink.write('x'.repeat(1_000_000));
  assert.equal(sink.lost, 0);
  sink.close();
  assert.equal(sink.lost, 1);
  closeSync(reader);
});

void test('a sink without a file of its own leaves the descriptor open', () => {
  const path = join(root, 'shared');
  const fd = openSync(path, 'w');
  const sink = new Sink(fd);
  sink.write('a');
  sink.close();
  sink.write('b');
  closeSync(fd);
  assert.equal(readFileSync(path, 'utf8'), 'a\nb\n');
});

function openPipe(name: string): { path: string; reader: number } {
  const path = join(root, name);
  execFileSync('mkfifo', [path]);
  return { path, reader: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) };
}

/** All that is in the pipe now. */
function drain(reader: number): string {
  const buffer = Buffer.alloc(65536);
  let text = '';
  for (;;) {
    try {
      const length = readSync(reader, buffer);
      if (length === 0) return text;
      text += buffer.toString('latin1', 0, length);
    } catch {
      return text;
    }
  }
}
