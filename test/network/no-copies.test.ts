/**
 * Where pidfd_getfd(2) is forbidden, as in Docker's default profile: no address is judged on trust.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { withoutCall } from '../support/without-call.ts';
import { listen, settle } from './listeners.ts';

const PIDFD_GETFD = 438;

function without(words: readonly string[]): string[] {
  return withoutCall(PIDFD_GETFD, words);
}

void test(`a network policy is refused by the engines that would need it (${who})`, async (t) => {
  const listener = await listen(t, '127.1.0.1');
  const command = ['bash', '-c', `exec 3<> /dev/tcp/127.1.0.1/${listener.port}`];
  for (const engine of ['notify', 'trace', 'auto']) {
    const options = [`--engine=${engine}`, '--allowed-netmasks=127.1.0.0/16'];
    const outcome = await run(without(secfiltWords([...options, '--', ...command])));
    assert.equal(outcome.code, 125, JSON.stringify(outcome));
    assert.match(outcome.stderr, /pidfd_getfd is not permitted/);
  }
  await settle(listener);
  assert.deepEqual(listener.heard, []);
});

void test(`a file policy goes on, with hosts reached and Unix sockets closed (${who})`, async (t) => {
  const [folder, other] = [temporaryDirectory(t), temporaryDirectory(t)];
  const listener = await listen(t, '127.1.0.1');
  const script = String.raw`
import errno, socket, sys
def attempt(f):
    try: f(); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
open(sys.argv[1] + '/f', 'w').write('x')
a, b = socket.socketpair(); a.sendmsg([b'x'])
print(attempt(lambda: socket.create_connection(('127.1.0.1', int(sys.argv[2])))), attempt(lambda: socket.socket(socket.AF_UNIX)),
      attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)), attempt(lambda: open(sys.argv[3] + '/new', 'w')), b.recv(9).decode())`;
  const words = ['python3', '-c', script, folder, String(listener.port), other];
  const outcome = await run(without(secfiltWords([`--write-allow=${folder}`, '--', ...words])));
  assert.equal(outcome.stdout, 'ok EPERM EPERM EPERM x\n', JSON.stringify(outcome));
  assert.match(outcome.stderr, /pidfd_getfd is not permitted here/);
});
