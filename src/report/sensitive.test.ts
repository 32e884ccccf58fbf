import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSensitiveNetwork, sensitivity } from './sensitive.ts';

const HOME = [Buffer.from('/srv/ann'), Buffer.from('/var/lib/jenkins'), Buffer.from('/data/\xe9')];

void test('sensitivity() knows keys, start-up files and system places by whole components', () => {
  const rows: [string, string | undefined][] = [
    ['/srv/ann/.ssh/id_ed25519', 'keys'],
    ['/srv/ann/.ssh', 'keys'],
    ['/srv/ann/.sshx', undefined],
    ['/srv/ann/project/.ssh', undefined],
    ['/home/bob/.aws/config', 'credentials'],
    ['/root/.gnupg/x', 'keys'],
    ['/home/bob/.bashrc', 'shell start-up'],
    ['/srv/ann/.config/autostart/x.desktop', 'run at login'],
    ['/srv/ann/.config/other', undefined],
    ['/etc/passwd', 'system settings'],
    ['/etcetera', undefined],
    ['/usr/bin/ls', 'programs'],
    ['/proc/sys/kernel/core_pattern', 'kernel interface'],
    ['/srv/ann/project/.git/hooks/post-commit', 'runs commands'],
    ['/srv/ann/project/.git/config', 'runs commands'],
    ['/srv/ann/project/.git/config.lock', undefined],
    ['/tmp/x', undefined],
    ['/srv/ann/\xff', undefined],
    ['/', 'everything'],
    ['/srv/ann', 'a home directory'],
    ['/var/lib/jenkins/jobs', undefined],
    ['/var/lib', 'holds a home directory'],
    ['/data/\xc3\xa9/.ssh', 'keys'],
  ];
  for (const [path, expected] of rows) {
    assert.equal(sensitivity({ kind: 'path', path: Buffer.from(path, 'latin1') }, HOME), expected, path);
  }
  const paths = { kind: 'paths', from: Buffer.from('/tmp/x'), to: Buffer.from('/etc/x') } as const;
  assert.equal(sensitivity(paths, HOME), 'system settings');
  assert.equal(sensitivity({ kind: 'path', path: Buffer.from('/srv/ann/.ssh') }, []), undefined);
});

void test('sensitivity() knows sockets behind which more rights wait', () => {
  const rows: [string, boolean][] = [
    ['/run/docker.sock', true],
    ['/home/ann/.colima/docker.sock', true],
    ['/run/containerd/containerd.sock', true],
    ['/run/dbus/system_bus_socket', true],
    ['/run/user/1000/bus', true],
    ['/run/user/1000/systemd/private', true],
    ['/tmp/.X11-unix/X0', true],
    ['/tmp/ssh-abc/agent.1', true],
    ['/run/user/1000/gnupg/S.gpg-agent.extra', true],
    ['/run/some-daemon.sock', true],
    ['/run/nscd/socket', false],
    ['/run/systemd/journal/dev-log', false],
    ['/run/user/1000/pulse/native', false],
    ['/tmp/postgres/.s.PGSQL.5432', false],
  ];
  for (const [path, expected] of rows) {
    const reason = sensitivity({ kind: 'unix-path', path: Buffer.from(path) }, HOME);
    assert.equal(reason !== undefined, expected, path);
  }
  assert.ok(sensitivity({ kind: 'unix-abstract', name: Buffer.from('/tmp/.X11-unix/X0') }, HOME));
  assert.equal(sensitivity({ kind: 'unix-abstract', name: Buffer.from('mine') }, HOME), undefined);
});

void test('sensitivity() knows where clouds hand out credentials', () => {
  assert.equal(ofAddress(169, 254, 169, 254), 'cloud credentials');
  assert.equal(ofAddress(169, 254, 169, 253), undefined);
  assert.equal(ofAddress(0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54), 'cloud credentials');
});

void test('S09 sensitivity() is told of what lies above a home or a sensitive place', () => {
  const rows: [string, boolean][] = [
    ['/', true],
    ['/srv/ann', true],
    ['/srv', true],
    ['/var/lib/jenkins', true],
    ['/var/lib', true],
    ['/var', true],
    ['/home', true],
    ['/home/bob', true],
    ['/root', true],
    ['/srv/ann/.config', true],
    ['/home/bob/.local', true],
    ['/var/spool', true],
    ['/etc/ssl', true],
    ['/srv/ann/project/.git', true],
    ['/srv/ann/project', false],
    ['/tmp', false],
    ['/var/tmp/x', false],
    ['/var/lib/other', false],
  ];
  for (const [path, expected] of rows)
    assert.equal(sensitivity({ kind: 'path', path: Buffer.from(path) }, HOME) !== undefined, expected, path);
});

void test('S09 isSensitiveNetwork() is true for a network that credentials are handed out in', () => {
  const networks = [169, 168].map((third) => ({ address: Uint8Array.of(169, 254, third, 0), prefix: 24 }));
  assert.deepEqual(networks.map(isSensitiveNetwork), [true, false]);
});

function ofAddress(...bytes: number[]): string | undefined {
  return sensitivity({ kind: 'address', address: Uint8Array.from(bytes), port: 80, protocol: 'tcp' }, HOME);
}
