/**
 * Names of hosts: every library that looks names up works unchanged for what is allowed, and gets the answer of a resolver that knows
 * nothing else for the rest. What left is seen on the other side of the cable.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { projectRoot, secfiltScript, who } from '../support/environment.ts';
import { engines } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { ALLOWED, inside, LEGAL, lookUpTest, made, type Program } from './look-ups.ts';
import { NEIGHBOUR, NEIGHBOUR6, WORLD, WORLD6 } from './namespaces.ts';
import { inEtc, makeNamedNetwork, type NamedNetwork, OTHER, sharedNamedNetwork } from './resolver.ts';

const C = String.raw`
#include <netdb.h>
#include <stdio.h>
int main(int argc, char **argv) {
  struct addrinfo *found, *one, hints = {.ai_socktype = SOCK_STREAM};
  int error = getaddrinfo(argv[1], "80", &hints, &found);
  if (error) { printf("error %s\n", gai_strerror(error)); return 1; }
  for (one = found; one; one = one->ai_next) {
    char text[64];
    getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
    puts(text);
  }
  return 0;
}`;
const PROGRAMS: readonly Program[] = [
  { name: 'getent (glibc)', words: (_, name) => ['getent', 'ahosts', name] },
  { name: 'curl', words: (_, name) => ['curl', '-sS', `http://${name}/`] },
  {
    name: 'python',
    words: (_, name) => [
      'python3',
      '-c',
      `import socket\ntry: print(sorted(a[4][0] for a in socket.getaddrinfo('${name}', 80, 0, socket.SOCK_STREAM)))\nexcept OSError as e: print(e); exit(1)`,
    ],
  },
  {
    name: 'c-ares (node)',
    words: (_, name) => [
      'node',
      '-e',
      `require('dns').resolve4('${name}', (e, all) => { console.log(e?.code, all?.sort()); process.exitCode = e ? 1 : 0; })`,
    ],
  },
  {
    name: 'dig',
    words: (_, name) => [
      'sh',
      '-c',
      `dig +noedns ${name} | grep -v '^;.*\\(WHEN\\|Query time\\|SIZE\\|<<>>\\|^$\\|id:\\|flags\\)' | sed /SOA/d`,
    ],
  },
  { name: 'dig by TCP', words: (_, name) => ['dig', '+tcp', '+short', name] },
  {
    name: 'musl',
    make: (folder) => {
      writeFileSync(join(folder, 'look.c'), C);
      return made('musl-gcc', ['-static', '-o', 'look-musl', 'look.c'], folder);
    },
    words: (folder, name) => [join(folder, 'look-musl'), name],
  },
];

for (const program of PROGRAMS) lookUpTest(program);

/** One network, and a script of shell for each engine. */
async function script(
  t: TestContext,
  options: readonly string[],
  text: string,
  check: (outcome: Outcome, named: NamedNetwork, engine: string) => void | Promise<void>,
  prepare?: (named: NamedNetwork) => void,
): Promise<void> {
  const named = await (prepare === undefined ? sharedNamedNetwork(t) : makeNamedNetwork(t));
  if (named === undefined) return;
  prepare?.(named);
  for (const engine of engines) {
    const outcome = await inside(named, [...engine.options, ...options], ['sh', '-c', text]);
    await check(outcome, named, engine.name);
  }
}

void test(`an answer that is too long for a datagram comes by TCP (${who})`, async (t) => {
  const text = `getent ahostsv4 many.example | cut -d' ' -f1 | sort -u | wc -l; dig +noedns +ignore many.example | grep -c 'flags:.* tc '; dig +short many.example | wc -l`;
  await script(t, [ALLOWED], text, ({ stdout }, _, engine) => assert.equal(stdout, '60\n1\n60\n', engine));
});

void test(`the case of a question comes back as it was (${who})`, async (t) => {
  await script(t, [ALLOWED], `dig aLLoWed.ExamPle | grep -v '^;;'`, ({ stdout }) => {
    assert.match(stdout, /^;aLLoWed\.ExamPle\./m);
    assert.ok(stdout.includes(WORLD), stdout);
  });
});

void test(`a name that stands for another is followed, and the other is not thereby allowed (${who})`, async (t) => {
  const text = 'curl -sS http://alias.example/; curl -s http://allowed.example/; echo $?';
  await script(t, ['--allowed-hosts=alias.example'], text, async ({ stdout, stderr }, named) => {
    assert.equal(stdout, 'hello\n6\n', stderr);
    assert.deepEqual(
      (await named.arrived()).filter((line) => !line.startsWith('question alias.example ')),
      [`tcp ${WORLD} 80`],
    );
  });
});

void test(`a name that stands for one that is denied is not looked up to its end (${who})`, async (t) => {
  const options = ['--allowed-hosts=*.example', '--denied-hosts=forbidden.example'];
  const text = 'getent hosts disguise.example; echo $?; getent hosts www.zone.example | cut -c1-11';
  await script(t, options, text, ({ stdout }) => assert.equal(stdout, `2\n${WORLD}\n`));
});

void test(`what only denies leaves other names (${who})`, async (t) => {
  const text = 'getent hosts forbidden.example; echo $?; curl -sS http://allowed.example/';
  await script(t, ['--denied-hosts=forbidden.example'], text, async ({ stdout, stderr }, named) => {
    assert.equal(stdout, '2\nhello\n', stderr);
    const arrived = await named.arrived();
    assert.ok(!arrived.some((line) => line.includes('forbidden')), arrived.join('\n'));
  });
});

void test(`services of an allowed name, addresses back to names, other types (${who})`, async (t) => {
  const text = `dig +short _db._tcp.allowed.example SRV; dig +short -x ${WORLD}; dig +short allowed.example >/dev/null; dig +short -x ${WORLD};
dig +short -x ${OTHER}; dig +short allowed.example TYPE65; dig allowed.example TXT | grep -c 'NOERROR.*'; dig +short allowed.example TXT`;
  await script(t, ['--allowed-hosts=allowed.example'], text, async ({ stdout }, named) => {
    const [srv, back, https, ...rest] = stdout.split('\n');
    assert.equal(srv, '0 0 2222 allowed.example.');
    assert.equal(back, 'allowed.example.');
    // As dig shows it: without the hint.
    assert.match(https ?? '', /^1 \. alpn="?h2"?$/);
    assert.deepEqual(rest, ['1', '']);
    const arrived = await named.arrived();
    assert.ok(
      !arrived.some((line) => line.includes(' 16 ') || line.includes('6.113.0.203')),
      arrived.join('\n'),
    );
  });
});

void test(`an answer that points into a network of one's own is dropped unless the rule says so (${who})`, async (t) => {
  const text = `getent hosts inner.example; echo $?; curl -s --connect-timeout 5 http://${NEIGHBOUR}/; echo $?`;
  await script(t, ['--allowed-hosts=inner.example'], text, ({ stdout }) => assert.equal(stdout, '2\n7\n'));
  for (const options of [
    ['--allowed-hosts=inner.example@private'],
    ['--allowed-hosts=inner.example', `--allowed-netmasks=${NEIGHBOUR}:2222`],
  ])
    await script(t, options, 'getent hosts inner.example | cut -c1-11', ({ stdout }) =>
      assert.equal(stdout, `${NEIGHBOUR}\n`),
    );
});

void test(`addresses that change: the new one is reached, the old one stays, a guessed one is not (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  for (const { options, name } of engines) {
    named.change(WORLD);
    const folder = temporaryDirectory(t);
    const words = [
      'sh',
      '-c',
      `curl -sS http://changing.example/; curl -s http://${OTHER}/ || echo no; touch ${folder}/a; while ! [ -e ${folder}/b ]; do sleep 0.05; done
i=0; until getent hosts changing.example | grep -q ${OTHER}; do i=$((i+1)); [ $i -lt 100 ] || exit 9; sleep 0.1; done; curl -sS http://${OTHER}/; curl -sS http://${WORLD}/`,
    ];
    const running = inside(named, [...options, '--allowed-hosts=changing.example'], words);
    while (spawnSync('test', ['-e', join(folder, 'a')]).status !== 0)
      await new Promise((done) => setTimeout(done, 20));
    named.change(OTHER);
    writeFileSync(join(folder, 'b'), '');
    assert.equal((await running).stdout, 'hello\nno\nhello\nhello\n', name);
  }
});

const twoResolvers = ({ network }: NamedNetwork): void =>
  inEtc(
    network,
    'resolv.conf',
    `search zone.example\nnameserver 192.168.1.9\nnameserver ${NEIGHBOUR6}\noptions timeout:1 attempts:2\n`,
  );

void test(`resolvers: the first is dead, the second by IPv6; a search list (${who})`, async (t) => {
  const text = 'getent ahostsv4 www | head -1 | cut -c1-11; dig +short +tcp @fd00:1::2 allowed.example';
  await script(
    t,
    ['--allowed-hosts=allowed.example,www.zone.example'],
    text,
    ({ stdout }) => assert.equal(stdout, `${WORLD}\n${WORLD}\n`),
    twoResolvers,
  );
});

void test(`a resolver that is not the system's is a destination as others are (${who})`, async (t) => {
  const text = `dig +time=1 +tries=1 @${WORLD} allowed.example >/dev/null; echo $?; dig +time=1 +tries=1 +tcp @${OTHER} allowed.example >/dev/null; echo $?`;
  await script(t, ['--allowed-hosts=allowed.example'], text, async ({ stdout }, named) => {
    assert.doesNotMatch(stdout, /^0$/m);
    assert.deepEqual(await named.arrived(), []);
  });
});

const byFile = ({ network }: NamedNetwork): void =>
  inEtc(
    network,
    'hosts',
    `127.0.0.1 localhost\n${NEIGHBOUR} by-file.internal also # a remark\n${OTHER} other.internal\n`,
  );

void test(`names of /etc/hosts (${who})`, async (t) => {
  const text = 'curl -sS http://by-file.internal/; curl -s http://other.internal/ || echo no';
  await script(
    t,
    ['--allowed-hosts=by-file.internal'],
    text,
    async ({ stdout, stderr }, named) => {
      assert.equal(stdout, 'hello\nno\n', stderr);
      assert.deepEqual(await named.arrived(), [`tcp ${NEIGHBOUR} 80`]);
    },
    byFile,
  );
});

void test(`an ordinary user, and what is told (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const words = secfiltWords([
    '--allowed-hosts=allowed.example:80',
    '--',
    'sh',
    '-c',
    `curl -sS http://allowed.example/; curl -s http://forbidden.example/; curl -s http://${WORLD}:2222/; exit 3`,
  ]);
  const { code, stdout, stderr } = await run([...named.network.inside, ...user, ...words]);
  assert.equal(code, 3, stderr);
  assert.equal(stdout, 'hello\n', stderr);
  assert.match(stderr, /look-up\s+forbidden\.example.*allow with --allowed-hosts=forbidden\.example/);
  assert.match(
    stderr,
    new RegExp(
      String.raw`connect\s+allowed\.example \(${WORLD.replaceAll('.', String.raw`\.`)}\) port 2222 tcp`,
    ),
  );
  const arrived = await named.arrived();
  for (const line of arrived) assert.match(line, LEGAL, `${arrived.join('\n')} ${WORLD6}`);
});

void test(`hundreds look a name up at once, by datagrams and by connections (${who})`, async (t) => {
  const python = `import socket, threading
found = []
def look():
    try: found.append(socket.getaddrinfo('allowed.example', 80)[0][4][1])
    except OSError as error: print(error)
all = [threading.Thread(target=look) for _ in range(400)]
for one in all: one.start()
for one in all: one.join()
print(len(found))`;
  const text = `python3 -c "$1"; RES_OPTIONS=use-vc python3 -c "$(echo "$1" | sed 's/400/60/')"`;
  const named = await makeNamedNetwork(t);
  if (named === undefined) return;
  for (const { name, options } of engines) {
    const words = ['sh', '-c', text, 'sh', python];
    const { stdout } = await inside(named, [...options, '--allowed-hosts=allowed.example'], words);
    assert.equal(stdout, '400\n60\n', name);
  }
});

void test(`each sandbox of a service has names of its own (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  const folder = temporaryDirectory(t);
  const text = `chmod 700 . && export XDG_RUNTIME_DIR=$PWD && "$@" --serve --allowed-hosts=many.example >log 2>&1 & service=$!
export XDG_RUNTIME_DIR=$PWD; "$@" --compile=one --allowed-hosts=allowed.example; "$@" --compile=two --allowed-hosts=www.zone.example
i=0; until "$@" --status >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 100 ] || exit 9; sleep 0.1; done
for client in ./one ./two; do for name in allowed.example www.zone.example; do $client curl -sS http://$name/ 2>/dev/null || echo no; done; done
"$@" --status | tail -n +2; kill $service; wait; tail -1 log`;
  const outcome = await run(
    [...named.network.inside, 'sh', '-c', text, 'sh', process.execPath, secfiltScript],
    {
      cwd: folder,
    },
  );
  assert.equal(
    outcome.stdout.split('\n').slice(0, 4).join(' '),
    'hello no no hello',
    JSON.stringify(outcome),
  );
  assert.match(outcome.stdout, /were refused|was refused/, 'by the service');
});

void test(`the example of README (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  const [, transcript] =
    /names\.test\.ts plays it[^\n]*\n\n```\n(.*?)```/s.exec(
      readFileSync(join(projectRoot, 'README.md'), 'utf8'),
    ) ?? [];
  const lines = (transcript ?? assert.fail('there is none')).split('\n').slice(0, -1);
  const typed = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  const [first = '', ...rest] = typed;
  for (const { name, options } of engines) {
    const words = secfiltWords([...options, ...first.split(' ').slice(1)]);
    const outcome = await run([...named.network.inside, 'sh', '-c', '"$@" 2>&1', 'sh', ...words], {
      stdin: rest.map((line) => `${line.replace('curl ', 'curl -sS ')}\n`).join(''),
    });
    const printed = lines.filter((line) => !line.startsWith('$ ')).join('\n');
    assert.equal(outcome.stdout, `${printed}\n`, name);
  }
});
