// Names of hosts: look-ups by a resolver on this host, connections, requests by name, each timed by the program that makes them.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { environment, interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const NAME = 'server.example';
/** Of the internet, so that no rule has to say that the name may point there. */
const ADDRESS = '203.0.113.5';
const PORT = 80;
const LOOK_UP_LIMIT = 1.5;
const CONNECT_LIMIT = 1.15;
const REQUESTS_LIMIT = 1.15;
const BY_NAME = `--allowed-hosts=${NAME}:${PORT}`;
/** With the resolver, as a policy without names has to have it. */
const BY_ADDRESS = [`--allowed-netmasks=${ADDRESS}`, `--allowed-ports=${PORT}`, '--allow-resolv'];

const timed = (count, before, each) => `import http.client, socket, time
${before}
begin = time.perf_counter_ns()
for _ in range(${count}):
    ${each}
print((time.perf_counter_ns() - begin) / ${count})`;

const LOADS = [
  {
    name: 'look-up by glibc',
    script: (quick) =>
      timed(
        quick ? 300 : 1500,
        'pass',
        `socket.getaddrinfo('${NAME}', ${PORT}, socket.AF_INET, socket.SOCK_STREAM)`,
      ),
    targets: [['by name', 'native', LOOK_UP_LIMIT]],
  },
  {
    name: 'connect',
    script: (quick) =>
      timed(
        quick ? 500 : 3000,
        `place = socket.getaddrinfo('${NAME}', ${PORT}, socket.AF_INET, socket.SOCK_STREAM)[0][4]`,
        's = socket.socket(); s.connect(place); s.close()',
      ),
    targets: [['by name', 'by address', CONNECT_LIMIT]],
  },
  {
    name: '500 HTTP requests by name, each',
    script: () =>
      timed(
        500,
        'pass',
        `c = http.client.HTTPConnection('${NAME}', ${PORT}); c.request('GET', '/'); c.getresponse().read(); c.close()`,
      ),
    targets: [['by name', 'native', REQUESTS_LIMIT]],
  },
];

export async function hosts({ contenders, script, rounds, quick }) {
  const engines = ['notify', 'trace'].filter((engine) =>
    contenders.some(({ name }) => name === `secfilt ${engine}`),
  );
  const place = await makePlace();
  try {
    const rows = [];
    const targets = [];
    const secfilt = (engine, options) => [process.execPath, script, `--engine=${engine}`, ...options, '--'];
    for (const engine of engines)
      for (const load of LOADS) {
        const contestants = [
          { name: 'native', words: [] },
          { name: 'by address', words: secfilt(engine, BY_ADDRESS) },
          { name: 'by name', words: secfilt(engine, [BY_NAME]) },
        ];
        const measured = await interleave(contestants, rounds, async ({ words }) => {
          const all = [...place.inside, ...words, 'python3', '-c', load.script(quick)];
          return Number((await runWell(all)).stdout);
        });
        const row = { name: `${load.name}, ${engine}`, unit: 'ns', ...measured };
        rows.push(row);
        for (const [name, base, limit] of load.targets)
          targets.push({ text: `${row.name}, ${name} : ${base}`, row, name, base, limit });
      }
    return [table('hosts', 'Names of hosts', rows, targets)];
  } finally {
    place.end();
  }
}

/** A network namespace with a resolver and a server. Throws where it cannot be made: it takes root, iproute2 and dnsmasq. */
async function makePlace() {
  const namespace = `secfilter-bench-${process.pid}`;
  const inside = ['ip', 'netns', 'exec', namespace];
  const children = [];
  const end = () => {
    for (const child of children) child.kill('SIGKILL');
    spawnSync('ip', ['netns', 'delete', namespace]);
    rmSync(`/etc/netns/${namespace}`, { recursive: true, force: true });
  };
  try {
    for (const words of [
      `netns add ${namespace}`,
      `-n ${namespace} link set lo up`,
      `-n ${namespace} address add ${ADDRESS}/32 dev lo`,
    ])
      if (spawnSync('ip', words.split(' ')).status !== 0)
        throw new Error(`ip ${words} failed: network namespaces are made by root, with iproute2`);
    mkdirSync(`/etc/netns/${namespace}`, { recursive: true });
    writeFileSync(`/etc/netns/${namespace}/resolv.conf`, 'nameserver 127.0.0.1\n');
    const dnsmasq =
      'dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --bind-interfaces --listen-address=127.0.0.1';
    const server = `require('node:http').createServer((_, response) => response.end('hello')).listen(${PORT}, '${ADDRESS}', () => console.error('started'))`;
    for (const words of [
      [...dnsmasq.split(' '), `--host-record=${NAME},${ADDRESS}`],
      [process.execPath, '-e', server],
    ]) {
      const child = spawn(inside[0], [...inside.slice(1), ...words], {
        env: environment(),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      children.push(child);
      await new Promise((resolve, reject) => {
        child.stderr.on('data', (text) => void (/started/.test(String(text)) && resolve()));
        child.once('error', reject);
        child.once('exit', () => reject(new Error(`${words[0]} ended: dnsmasq is needed`)));
      });
    }
    return { inside, end };
  } catch (error) {
    end();
    throw error;
  }
}
