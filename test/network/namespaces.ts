/**
 * Two network namespaces joined by a cable: `inside`, where secfilt runs, and `outside`, with a neighbour in the same
 * network, a host of the wide world behind it, and a resolver.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';

import { isRoot, patience } from '../support/environment.ts';
import { environment, type Outcome, run, secfiltWords } from '../support/run.ts';

export const NEIGHBOUR = '192.168.1.2';
export const NEIGHBOUR6 = 'fd00:1::2';
export const WORLD = '203.0.113.5';
export const WORLD6 = '2001:db8::5';
/** Who joins it is heard of in `outside`; so is who joins the IPv6 group that ends with the same four bytes. */
export const GROUP = '239.83.70.76';
export const GROUP6 = 'ff02::ef53:464c';
/** A name that the resolver in `outside` knows, of the world's host. */
export const NAME = 'host.example';

/** A test's context, or what stands for it where many tests share one. */
export interface Asking {
  readonly skip: (why: string) => void;
  readonly after: (clean: () => void) => void;
}

export interface Network {
  /** Words that run a command in a namespace. */
  readonly inside: readonly string[];
  readonly outside: readonly string[];
}

let count = 0;

/** Makes the namespaces, which vanish with the test. Undefined, and the test skipped, where that cannot be done. */
export function makeNetwork(t: Asking): Network | undefined {
  if (!isRoot) {
    t.skip('network namespaces can only be made by root');
    return undefined;
  }
  count += 1;
  const inside = `sf-in-${process.pid}-${count}`;
  const outside = `sf-out-${process.pid}-${count}`;
  t.after(() => {
    for (const name of [inside, outside]) spawnSync('ip', ['netns', 'delete', name]);
    rmSync(`/etc/netns/${inside}`, { recursive: true, force: true });
  });
  const problem = build(inside, outside);
  if (problem !== undefined) {
    t.skip(`network namespaces cannot be made: ${problem}`);
    return undefined;
  }
  // `ip netns exec` puts this in the place of /etc/resolv.conf.
  mkdirSync(`/etc/netns/${inside}`, { recursive: true });
  writeFileSync(
    `/etc/netns/${inside}/resolv.conf`,
    `nameserver ${NEIGHBOUR}\noptions timeout:2 attempts:1\n`,
  );
  return { inside: ['ip', 'netns', 'exec', inside], outside: ['ip', 'netns', 'exec', outside] };
}

const NEIGHBOUR_LINK = '02:00:00:00:00:02';

/** Returns what went wrong. */
function build(inside: string, outside: string): string | undefined {
  const cable = [`sfa${process.pid % 10000}x${count}`, `sfb${process.pid % 10000}x${count}`] as const;
  const commands = [
    `netns add ${inside}`,
    `netns add ${outside}`,
    `link add ${cable[0]} netns ${inside} type veth peer name ${cable[1]} netns ${outside}`,
    `-n ${inside} link set lo up`,
    `-n ${outside} link set lo up`,
    `-n ${inside} address add 192.168.1.1/24 dev ${cable[0]}`,
    `-n ${outside} address add ${NEIGHBOUR}/24 dev ${cable[1]}`,
    `-n ${inside} address add fd00:1::1/64 dev ${cable[0]} nodad`,
    `-n ${outside} address add ${NEIGHBOUR6}/64 dev ${cable[1]} nodad`,
    // Nothing is lost while one asks for the other's address.
    `-n ${outside} link set ${cable[1]} address ${NEIGHBOUR_LINK}`,
    `-n ${inside} link set ${cable[0]} up`,
    `-n ${outside} link set ${cable[1]} up`,
    ...[NEIGHBOUR, NEIGHBOUR6].map(
      (address) => `-n ${inside} neighbour replace ${address} lladdr ${NEIGHBOUR_LINK} dev ${cable[0]}`,
    ),
    `-n ${outside} address add ${WORLD}/32 dev lo`,
    `-n ${outside} address add ${WORLD6}/128 dev lo nodad`,
    `-n ${inside} route add default via ${NEIGHBOUR}`,
    `-n ${inside} -6 route add default via ${NEIGHBOUR6}`,
  ];
  for (const command of commands) {
    const { status, stderr, error } = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
    if (status !== 0) return `ip ${command}: ${error?.message ?? stderr.trim()}`;
  }
  return undefined;
}

/**
 * Listens on TCP and UDP port 2222 and as a resolver on port 53, of every address; TCP is greeted and its data answered
 * as HTTP. Each arrival is a line: protocol, destination, port; or the version of IP that a group was announced by.
 */
const SERVER = String.raw`
import socket, struct, sys, threading
def say(*words):
    sys.stdout.write(' '.join(map(str, words)) + '\n'); sys.stdout.flush()
def plain(a): return a.removeprefix('::ffff:')
def tcp(port):
    s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('::', port)); s.listen(50)
    while True:
        c, _ = s.accept(); say('tcp', plain(c.getsockname()[0]), port); threading.Thread(target=talk, args=(c, port), daemon=True).start()
def talk(c, port):
    try:
        if port == 2222: c.sendall(b'SSH-2.0-Test\r\n')
        data = c.recv(65536)
        if port == 80 and b'HTTP/' in data:
            body = b'hello\n' if b'git' not in data.lower() else b'not a repository\n'
            c.sendall(b'HTTP/1.0 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' % (b'200 OK' if body == b'hello\n' else b'404 Not Found', len(body), body))
        while c.recv(65536): pass
    except OSError: pass
    c.close()
def udp(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1); s.bind(('::', port))
    # For datagrams that came as IPv4.
    s.setsockopt(socket.IPPROTO_IP, 8, 1)
    while True:
        data, control, _, peer = s.recvmsg(65536, 256); to = '?'
        for level, kind, value in control:
            if level == socket.IPPROTO_IPV6: to = plain(socket.inet_ntop(socket.AF_INET6, value[:16]))
        say('udp', to, port)
        if port == 53 and len(data) > 12:
            end = data.index(0, 12) + 5; name = data[12:end - 4]; kind = struct.unpack('!H', data[end - 4:end - 2])[0]
            known = name == b'\x04host\x07example\x00'; answer = b''
            if known and kind == 1: answer = b'\xc0\x0c' + struct.pack('!HHIH', 1, 1, 60, 4) + socket.inet_aton('203.0.113.5')
            reply = data[:2] + struct.pack('!HHHHH', 0x8180 if known else 0x8183, 1, 1 if answer else 0, 0, 0) + data[12:end] + answer
            source = [(socket.IPPROTO_IPV6, 50, value) for level, kind, value in control if level == socket.IPPROTO_IPV6]
            s.sendmsg([reply], source, 0, peer)
def groups():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    while True:
        packet = s.recv(65536)
        if socket.inet_aton('${GROUP}') in packet: say('group', packet[14] >> 4)
threading.Thread(target=groups, daemon=True).start()
for f, port in ((tcp, 2222), (tcp, 80), (tcp, 53), (udp, 2222), (udp, 53)): threading.Thread(target=f, args=(port,), daemon=True).start()
say('ready'); sys.stdin.read()
`;

export interface Outside {
  /** What has arrived since it was asked last; waits for a line that is expected. */
  readonly arrivals: (expected?: string) => Promise<string[]>;
}

/** Starts the servers in `outside`. */
export async function serveOutside(t: Asking, network: Network): Promise<Outside> {
  const [file, ...words] = [...network.outside, 'python3', '-c', SERVER];
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'], env: environment() });
  t.after(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the servers outside did not start')));
    child.stdout.on('data', (data: string) => {
      const parts = (rest + data).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      if (lines.includes('ready')) resolve();
    });
  });
  lines.length = 0;
  return {
    arrivals: async (expected) => {
      const end = Date.now() + patience(expected === undefined ? 200 : 15_000);
      const isComplete = (): boolean => expected !== undefined && lines.includes(expected);
      while (Date.now() < end && !isComplete()) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return lines.splice(0);
    },
  };
}

/** A network with servers outside of it. */
export interface Ground {
  readonly network: Network;
  readonly outside: Outside;
}

/** Undefined, and the test is skipped, where none can be made. */
export async function makeGround(t: TestContext): Promise<Ground | undefined> {
  const network = makeNetwork(t);
  return network && { network, outside: await serveOutside(t, network) };
}

/** Runs words in it under secfilt. */
export function inside(
  { network }: Ground,
  options: readonly string[],
  words: readonly string[],
): Promise<Outcome> {
  return run([...network.inside, ...secfiltWords([...options, '--', ...words])]);
}
