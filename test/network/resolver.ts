/**
 * A resolver in `outside` (dnsmasq), servers for what it leads to, and a look at every packet that arrives there: questions as they are on
 * the wire, and where all else goes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';

import { patience } from '../support/environment.ts';
import { environment } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import {
  type Asking,
  makeNetwork,
  NEIGHBOUR,
  NEIGHBOUR6,
  type Network,
  WORLD,
  WORLD6,
} from './namespaces.ts';

/** Another host of the wide world: no name that a test allows leads there. */
export const OTHER = '203.0.113.6';
export const MANY = 60;

/** Names of the zone `example`, which knows no others. */
const RECORDS = [
  '--local=/example/',
  `--host-record=allowed.example,${WORLD},${WORLD6}`,
  `--host-record=forbidden.example,${OTHER}`,
  `--host-record=www.zone.example,${WORLD}`,
  `--host-record=www.example,${WORLD}`,
  `--host-record=inner.example,${NEIGHBOUR}`,
  '--cname=alias.example,allowed.example',
  '--cname=disguise.example,forbidden.example',
  '--srv-host=_db._tcp.allowed.example,allowed.example,2222',
  // Priority 1, the name itself, ALPN h2, a hint of 203.0.113.6.
  '--dns-rr=allowed.example,65,0001000001000302683200040004cb007106',
  '--txt-record=allowed.example,some text',
  '--local-ttl=1',
];

/** Prints what arrives by the cable: `question NAME TYPE PROTOCOL`, or `PROTOCOL ADDRESS PORT`; bytes of questions on request. */
const SERVERS = String.raw`
import http.server, socket, socketserver, struct, sys, threading
def say(*words): sys.stdout.write(' '.join(map(str, words)) + '\n'); sys.stdout.flush()
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer): address_family = socket.AF_INET6; daemon_threads = True
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', '6'); self.end_headers(); self.wfile.write(b'hello\n')
    def log_message(self, *_): pass
def question(data, protocol):
    at = 12; labels = []
    while data[at]: labels.append(data[at + 1:at + 1 + data[at]].decode('latin1')); at += data[at] + 1
    say('question', '.'.join(labels).lower(), struct.unpack('!H', data[at + 1:at + 3])[0], protocol, data[12:].hex())
def watch():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    say('ready')
    while True:
        data, (interface, protocol, kind, *_) = s.recvfrom(65536)
        if kind != 0 or not interface.startswith('sfb'): continue
        try:
            if protocol == 0x800: number, to, rest = data[9], socket.inet_ntoa(data[16:20]), data[(data[0] & 15) * 4:struct.unpack('!H', data[2:4])[0]]
            elif protocol == 0x86dd: number, to, rest = data[6], socket.inet_ntop(socket.AF_INET6, data[24:40]), data[40:40 + struct.unpack('!H', data[4:6])[0]]
            else: continue
            if number not in (6, 17): continue
            name = 'tcp' if number == 6 else 'udp'; port = struct.unpack('!H', rest[2:4])[0]
            body = rest[8:] if number == 17 else rest[(rest[12] >> 4) * 4:]
            if port == 53 and name == 'udp': question(body, name)
            elif port == 53 and len(body) > 14: question(body[2:], name)
            elif name == 'udp' or rest[13] & 18 == 2: say(name, to, port)
        except Exception as error: say('unreadable', data.hex(), error)
for port in (80, 2222): threading.Thread(target=Server(('::', port), Hello).serve_forever, daemon=True).start()
threading.Thread(target=watch, daemon=True).start()
sys.stdin.read()
`;

export interface NamedNetwork {
  readonly network: Network;
  /** What has arrived since it was asked last: lines without the bytes, each once, sorted. Asks the resolver itself, so that nothing is still on its way. */
  readonly arrived: () => Promise<string[]>;
  /** The bytes of the questions, in hexadecimal, behind their ids and flags. */
  readonly questions: () => string[];
  /** Sets the addresses of `changing.example`. */
  readonly change: (...addresses: readonly string[]) => void;
}

const atEnd: (() => void)[] = [];
after(() => {
  for (const clean of atEnd.splice(0).toReversed()) clean();
});

let shared: Promise<NamedNetwork | undefined> | undefined;
let lacking: string | undefined;

/** One for all tests of a file that leave it as it is, with nothing that has arrived yet. Undefined, and the test skipped, where it cannot be made. */
export async function sharedNamedNetwork(t: Asking): Promise<NamedNetwork | undefined> {
  shared ??= makeNamedNetwork({
    skip: (why) => void (lacking = why),
    after: (clean) => void atEnd.push(clean),
  });
  const named = await shared;
  if (named === undefined) t.skip(lacking ?? 'there is no network');
  await named?.arrived();
  named?.questions();
  return named;
}

/** Undefined, and the test skipped, where it cannot be made. */
export async function makeNamedNetwork(t: Asking): Promise<NamedNetwork | undefined> {
  const network = makeNetwork(t);
  if (network === undefined) return undefined;
  if (spawnSync('dnsmasq', ['--version']).error !== undefined) {
    t.skip('dnsmasq is not installed');
    return undefined;
  }
  const [, , , outside = ''] = network.outside;
  const folder = temporaryDirectory(t);
  const changing = join(folder, 'hosts');
  const many = Array.from({ length: MANY }, (_, index) => `198.51.100.${index + 1} many.example\n`);
  const write = (addresses: readonly string[]): void =>
    writeFileSync(
      changing,
      [...many, ...addresses.map((address) => `${address} changing.example\n`)].join(''),
    );
  write([WORLD]);
  run('ip', '-n', outside, 'address', 'add', `${OTHER}/32`, 'dev', 'lo');
  const resolver = start(t, [
    ...network.outside,
    'dnsmasq',
    '--no-daemon',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--user=root',
    '--pid-file=',
    '--bind-interfaces',
    `--listen-address=${NEIGHBOUR}`,
    `--listen-address=${NEIGHBOUR6}`,
    `--addn-hosts=${changing}`,
    ...RECORDS,
  ]);
  await said(resolver, 'stderr', /started/);
  const servers = start(t, [...network.outside, 'python3', '-c', SERVERS]);
  const lines: string[] = [];
  let rest = '';
  servers.stdout?.setEncoding('utf8').on('data', (data: string) => {
    const parts = (rest + data).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  await until(() => lines.includes('ready'));
  lines.length = 0;
  const marker = start(t, [...network.inside, 'python3', '-c', MARK]);
  const seen: string[] = [];
  let count = 0;
  return {
    network,
    arrived: async () => {
      // What left before has arrived before.
      count += 1;
      const mark = `mark-${count}.example`;
      marker.stdin?.write(`${mark}\n`);
      await until(() => lines.some((line) => line.startsWith(`question ${mark} `)));
      const found = lines.splice(0).filter((line) => !line.includes('mark-'));
      seen.push(
        ...found.filter((line) => line.startsWith('question')).map((line) => line.split(' ')[4] ?? ''),
      );
      return [...new Set(found.map((line) => line.split(' ').slice(0, 4).join(' ')))].toSorted();
    },
    questions: () => seen.splice(0),
    change: (...addresses) => {
      write(addresses);
      resolver.kill('SIGHUP');
    },
  };
}

const MARK = `import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(('${NEIGHBOUR}', 53))
for line in sys.stdin:
  name = b''.join(bytes([len(label)]) + label.encode() for label in line.strip().split('.')) + b'\\0'
  s.send(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + name + b'\\0\\1\\0\\1'); s.recv(512)`;

/** Puts a file in the place of one in /etc, for `inside`. */
export function inEtc({ inside }: Network, name: string, text: string): void {
  const folder = `/etc/netns/${inside[3] ?? ''}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}

function start(t: Asking, words: readonly string[]): ChildProcess {
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: environment() });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

function said(child: ChildProcess, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error(`the resolver did not start: ${text}`)));
    child[stream]?.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      if (pattern.test(text)) resolve();
    });
  });
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + patience(15_000);
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function run(file: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(file, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${words.join(' ')}: ${stderr}`);
}
