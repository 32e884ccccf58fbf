/**
 * The kernel engine: the command takes secfilt's place, and Landlock and the filter answer alone.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { cases } from '../files/calls.ts';
import { expand, formsOf } from '../files/expand.ts';
import { makeFixture } from '../files/fixture.ts';
import { KEPT_CAPABILITIES, limitsBounding, who } from '../support/environment.ts';
import { python, saidBy } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { Errno } from '../support/numbers.ts';
import { rawCalls, resultOf } from '../support/probe.ts';
import { type Outcome, run, secfilt, secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const lacks = landlockVersion() < 6 ? 'the kernel engine needs Landlock ABI 6' : undefined;

function kernelTest(name: string, body: (t: TestContext) => Promise<void>): void {
  void test(`${name} (${who})`, (t) => (lacks === undefined ? body(t) : t.skip(lacks)));
}

function alone(options: readonly string[], command: readonly string[]): Promise<Outcome> {
  return secfilt(['--engine=kernel', ...options, '--', ...command]);
}

kernelTest('the command takes the place of secfilt and leaves nobody behind', async (t) => {
  const allow = `--write-allow=${temporaryDirectory(t)}`;
  const script = 'echo $$; ps -o pid=,args= --ppid $PPID; exit 9';
  const words = secfiltWords(['--engine=kernel', allow, '--', 'bash', '-c', script]);
  const child = start(words);
  let stdout = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 9);
  assert.equal(stdout.split('\n')[0], String(child.pid));
  assert.doesNotMatch(stdout, /secfilt/);
  const killed = await alone([allow], ['sh', '-c', 'kill -TERM $$']);
  assert.equal(killed.signal, 'SIGTERM');
});

kernelTest('root has only the documented capabilities left, in every set', async (t) => {
  if (!limitsBounding) return t.skip('only root has something to give up');
  const { stdout } = await alone(['--read-only'], ['grep', '^Cap', '/proc/self/status']);
  const sets = new Map(
    [...stdout.matchAll(/^(Cap\w+):\t([0-9a-f]+)$/gm)].map(([, name, set]) => [name, `0x${set}`] as const),
  );
  assert.deepEqual([...sets.keys()], ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']);
  for (const [name, set] of sets) assert.equal(BigInt(set) & ~BigInt(KEPT_CAPABILITIES), 0n, name);
});

kernelTest('what cannot be executed is said as ever', async (t) => {
  const folder = temporaryDirectory(t);
  const script = join(folder, 'script');
  writeFileSync(script, 'echo "no interpreter $1"', { mode: 0o755 });
  assert.equal((await alone(['--read-only'], [script, 'named'])).stdout, 'no interpreter named\n');
  writeFileSync(script, '#!/nonexistent\n');
  const outcome = await alone(['--read-only'], [script]);
  assert.equal(outcome.code, 126);
  assert.match(outcome.stderr, /no such file or directory/);
  assert.equal((await alone(['--read-only'], ['/nonexistent'])).code, 127);
});

kernelTest('no descriptor sends signals to a process group, nor does the terminal', async () => {
  const script = String.raw`
import pty
r, slave = socket.socketpair()[0].fileno(), pty.openpty()[1]
integer = struct.pack('i', -os.getpgid(0))
say(group=sc(72, r, 8, -os.getpgid(0)), ex=sc(72, r, 15, struct.pack('ii', 2, os.getpgid(0))), fio=sc(16, r, 0x8901, integer),
    sioc=sc(16, r, 0x8902, integer), ask=sc(72, slave, 4, 0o20002), ioctl=sc(16, slave, 0x5452, struct.pack('i', 1)),
    own=sc(72, r, 8, os.getpid()), flags=sc(72, r, 4, 0o4002))`;
  const outcome = await alone(['--no-outbound-network'], python(script));
  const refused = { group: -1, ex: -1, fio: -1, sioc: -1, ask: -1, ioctl: -1 };
  assert.deepEqual(saidBy(outcome), { ...refused, own: 0, flags: 0 });
});

kernelTest('no writing call changes anything outside the allowed tree', async (t) => {
  const root = temporaryDirectory(t);
  const allowed = join(root, 'a');
  mkdirSync(allowed);
  const entries = cases.flatMap((entry, number) =>
    formsOf(entry).map((form, index) => ({
      label: `${entry.name}, ${form}`,
      entry,
      form,
      folder: join(root, `${number}.${index}`),
    })),
  );
  const before = new Map<string, string[]>();
  for (const { folder, label } of entries) {
    makeFixture(folder);
    before.set(label, strictSnapshot(folder));
  }
  const steps = entries.flatMap(({ entry, form, folder, label }) => expand(entry, form, folder, label));
  const results = await rawCalls(steps, { sandbox: ['--engine=kernel', `--write-allow=${allowed}`] });
  const refusals = new Set<number>([
    Errno.EPERM,
    Errno.EACCES,
    Errno.EXDEV,
    Errno.ENOSYS,
    Errno.EOPNOTSUPP,
    Errno.ENOTTY,
    // There is no Unix socket to bind.
    Errno.EBADF,
  ]);
  for (const { folder, label } of entries) {
    const { result, errno } = resultOf(results, label);
    assert.deepEqual(strictSnapshot(folder), before.get(label), label);
    // Landlock lets it be opened, and the descriptor neither reads nor writes (open(2), "NOTES").
    if (label.includes('access mode 3')) continue;
    assert.ok(result < 0 && refusals.has(errno), `${label}: ${result}, errno ${errno}`);
  }
});

kernelTest('inside the allowed tree files come and go; metadata stays as it is', async (t) => {
  const root = temporaryDirectory(t);
  for (const name of ['a', 'o']) mkdirSync(join(root, name));
  const script = `cd "$1" && echo x > a/f && mkdir -p a/d/e && mv a/f a/d/g && ln a/d/g a/h && ln -s h a/l &&
    truncate -s 3 a/h && rm a/d/g && echo fine; chmod 600 a/h; touch -d @1000 a/h; ln a/h o/h; mv a/h o/h; echo x > o/f`;
  const { stdout, stderr } = await alone(
    [`--write-allow=${join(root, 'a')}`],
    ['bash', '-c', script, 'bash', root],
  );
  assert.equal(stdout, 'fine\n');
  assert.equal(stderr.match(/Operation not permitted/g)?.length, 2, stderr);
  assert.deepEqual(readdirSync(join(root, 'a')).toSorted(), ['d', 'h', 'l']);
  assert.deepEqual(readdirSync(join(root, 'o')), []);
});

kernelTest('a policy that needs a supervisor is refused, and the option named', async (t) => {
  const root = temporaryDirectory(t);
  for (const [option, named, reason] of [
    [`--write-allow=${join(root, 'absent')}`, '--write-allow=', 'does not exist'],
    ['--write-allow=/', '--write-allow=/', 'a rule for it would hold for /proc and /sys too'],
    ['--allowed-netmasks=127.0.0.1', '--allowed-netmasks', 'the kernel compares no addresses'],
    ['--allow-unix=/run/x', '--allow-unix', 'the kernel compares no names of Unix sockets'],
    [`--log=${join(root, 'log')}`, '--log', ''],
  ] as const) {
    const outcome = await alone(['--read-only', option], ['touch', join(root, 'ran')]);
    assert.equal(outcome.code, 125, option);
    assert.match(
      outcome.stderr,
      new RegExp(`^secfilt: kernel: ${named}.* needs a supervisor: ${reason}`),
      option,
    );
  }
  assert.deepEqual(readdirSync(root), []);
});

/** A server on the loopback, and how many connections it has seen. */
async function listener(t: TestContext): Promise<{ readonly port: number; seen: number }> {
  const state = { port: 0, seen: 0 };
  const server: Server = createServer((socket) => {
    state.seen += 1;
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  state.port = address.port;
  return state;
}

const REACH = `
port = int(sys.argv[1])
address = struct.pack('=H', 2) + struct.pack('!H', port) + socket.inet_aton('127.0.0.1') + bytes(8)
def attempt(make):
    try: return make()
    except OSError as error: return -error.errno
def tcp():
    s = socket.socket(); s.connect(('127.0.0.1', port)); return len(s.recv(5))
def fast(call):
    s = socket.socket()
    if call == 'sendto': return sc(44, s.fileno(), b'x', 1, 0x20000000, address, 16)
    vector = struct.pack('QQ', ctypes.addressof(keep(b'x')), 1)
    header = struct.pack('QIIQQQQII', ctypes.addressof(keep(address)), 16, 0, ctypes.addressof(keep(vector)), 1, 0, 0, 0, 0)
    if call == 'sendmsg': return sc(46, s.fileno(), header, 0x20000000)
    return sc(307, s.fileno(), header + bytes(8), 1, 0x20000000)
def keep(data):
    buffer = ctypes.create_string_buffer(data, len(data)); KEPT.append(buffer); return buffer
def pair(kind):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 1))])
    return len(b.recvmsg(1, 64)[1])
say(tcp=attempt(tcp), sendto=fast('sendto'), sendmsg=fast('sendmsg'), sendmmsg=fast('sendmmsg'),
    udp=attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))),
    unix=attempt(lambda: socket.socket(socket.AF_UNIX).fileno() and 1),
    datagrams=attempt(lambda: pair(socket.SOCK_DGRAM)), stream=attempt(lambda: pair(socket.SOCK_STREAM)),
    packets=attempt(lambda: pair(socket.SOCK_SEQPACKET)),
    route=attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).fileno() and 1))
`;

async function reach(port: number, options: readonly string[]): Promise<Record<string, number>> {
  return saidBy(await alone(options, python(REACH, String(port))));
}

const PAIRS = { unix: -Errno.EPERM, datagrams: -Errno.EPERM, stream: 1, packets: 1, route: 1 };

kernelTest('under --read-only any host may be reached, and no Unix socket outside', async (t) => {
  const server = await listener(t);
  const { tcp, udp, sendto, ...rest } = await reach(server.port, ['--read-only']);
  assert.deepEqual({ tcp, udp }, { tcp: 5, udp: 1 });
  assert.notEqual(sendto, -Errno.EPERM);
  assert.ok(server.seen > 0);
  const { sendmsg: _, sendmmsg: __, ...pairs } = rest;
  assert.deepEqual(pairs, PAIRS);
});

kernelTest('--no-outbound-network lets nothing out, by whatever call', async (t) => {
  const server = await listener(t);
  const refused = -Errno.EPERM;
  assert.deepEqual(await reach(server.port, ['--no-outbound-network']), {
    ...PAIRS,
    tcp: refused,
    sendto: refused,
    sendmsg: refused,
    sendmmsg: refused,
    udp: refused,
  });
  assert.equal(server.seen, 0);
});

kernelTest('--allowed-ports are those of TCP, and datagrams are closed', async (t) => {
  const [open, closed] = [await listener(t), await listener(t)];
  const refused = { sendto: -1, sendmsg: -1, sendmmsg: -1, udp: -1, ...PAIRS };
  const options = [`--allowed-ports=${open.port}`];
  assert.deepEqual(await reach(open.port, options), { tcp: 5, ...refused });
  assert.deepEqual(await reach(closed.port, options), { tcp: -Errno.EACCES, ...refused });
  assert.equal(closed.seen, 0);
});

kernelTest('a socket that reaches more than its peer is not taken over as a standard stream', async () => {
  const script = `
import subprocess
kind = getattr(socket, sys.argv[1])
a, b = socket.socketpair(socket.AF_UNIX, kind)
sys.exit(subprocess.run(sys.argv[2:], stdin=a).returncode)`;
  for (const [kind, code] of [
    ['SOCK_STREAM', 3],
    ['SOCK_DGRAM', 125],
  ] as const) {
    const inner = secfiltWords(['--engine=kernel', '--read-only', '--', 'sh', '-c', 'exit 3']);
    const outcome = await run(python(script, kind, ...inner));
    assert.equal(outcome.code, code, JSON.stringify(outcome));
  }
});

kernelTest('signals and ptrace stay inside', async (t) => {
  const bystander = start(['sleep', '100'], { stdio: 'ignore' });
  t.after(() => bystander.kill());
  const script = `
child = os.fork()
if child == 0: time.sleep(100)
say(kill=sc(62, ${bystander.pid}, 15), attach=sc(101, 16, ${bystander.pid}), own=sc(62, child, 9))`;
  const said = saidBy(await alone(['--read-only'], python(script)));
  assert.deepEqual(said, { kill: -Errno.EPERM, attach: -Errno.EPERM, own: 0 });
  assert.equal(readFileSync(`/proc/${bystander.pid}/comm`, 'utf8'), 'sleep\n');
});
