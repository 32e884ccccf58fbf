// Debian's packaged kernels: which there are, what a machine needs of one, and the first file system that it boots from.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join, resolve } from 'node:path';

/**
 * In loading order: what finds the disk and reads its file system, and the links of the tests' network namespaces. What is
 * absent is built into the kernel.
 */
const MODULES = ['crc32c_generic', 'virtio_pci', 'virtio_blk', 'ext4', 'veth'];
const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;

const numbers = (text) => (text.match(/\d+/g) ?? []).map(Number);

/** The newest package of a series ("6.1") that apt knows, or undefined. */
export function findKernel(series) {
  const wanted = new RegExp(
    String.raw`^linux-image-${series.replace('.', String.raw`\.`)}\.\d+[-+\w]*-amd64$`,
  );
  const names = execFileSync('apt-cache', ['pkgnames', `linux-image-${series}.`], { encoding: 'utf8' });
  return names
    .split('\n')
    .filter((name) => wanted.test(name) && !/-(?:rt|cloud)-/.test(name))
    .filter((name) =>
      execFileSync('apt-cache', ['policy', name], { encoding: 'utf8' }).includes('Candidate: '),
    )
    .toSorted((one, other) => {
      const [a, b] = [numbers(one), numbers(other)];
      const place = a.findIndex((number, index) => number !== b[index]);
      return place === -1 ? 0 : (a[place] ?? 0) - (b[place] ?? 0);
    })
    .at(-1);
}

/** Unpacks a package without installing it; undefined where it cannot be had. */
export function fetchPackage(name, folder) {
  fs.mkdirSync(folder, { recursive: true });
  const download = ['-o', 'APT::Sandbox::User=root', 'download', name];
  try {
    execFileSync('apt-get', download, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  } catch {
    return undefined;
  }
  const file = fs.readdirSync(folder).find((entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'));
  const contents = join(folder, name);
  execFileSync('dpkg-deb', ['-x', join(folder, file), contents]);
  return contents;
}

export function fetchKernel(name, folder) {
  const contents = fetchPackage(name, folder);
  if (contents === undefined) return undefined;
  const busybox = fetchPackage('busybox-static', folder);
  if (busybox === undefined) throw new Error('the package busybox-static cannot be had');
  const release = name.slice('linux-image-'.length);
  const modules = ['lib/modules', 'usr/lib/modules']
    .map((place) => join(contents, place, release))
    .find((place) => fs.existsSync(place));
  const shell = ['bin/busybox', 'usr/bin/busybox']
    .map((place) => join(busybox, place))
    .find((place) => fs.existsSync(place));
  return { release, image: join(contents, 'boot', `vmlinuz-${release}`), modules, busybox: shell };
}

/** A shell, the modules and a list of them in loading order; the shell's script mounts the disk and goes on there. */
export function makeInitramfs(kernel, file) {
  const modules = modulesOf(kernel.modules);
  const script = fs.readFileSync(resolve(import.meta.dirname, 'initramfs.sh'));
  const entries = ['bin', 'dev', 'proc', 'modules', 'disk'].map((name) => archived(name, DIRECTORY));
  entries.push(archived('bin/busybox', EXECUTABLE, fs.readFileSync(kernel.busybox)));
  entries.push(archived('init', EXECUTABLE, script));
  entries.push(
    archived('modules/order', EXECUTABLE, Buffer.from(modules.map(({ name }) => `${name}\n`).join(''))),
  );
  for (const { name, contents } of modules) entries.push(archived(`modules/${name}`, EXECUTABLE, contents));
  fs.writeFileSync(file, Buffer.concat([...entries, archived('TRAILER!!!', 0)]));
  return file;
}

function modulesOf(folder) {
  const dependencies = new Map();
  for (const line of fs.readFileSync(join(folder, 'modules.order'), 'utf8').split('\n')) {
    if (line !== '') dependencies.set(plainName(line), line);
  }
  const modules = new Map();
  const add = (name) => {
    const path = dependencies.get(name);
    if (path === undefined || modules.has(name)) return;
    const contents = readModule(join(folder, path));
    for (const needed of needs(contents)) add(needed);
    modules.set(name, { name: `${name}.ko`, contents });
  };
  for (const name of MODULES) add(name);
  return [...modules.values()];
}

const plainName = (path) =>
  basename(path)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');

/** modules.dep is made when a package is installed; a module says itself what it needs. */
function needs(contents) {
  const [, names = ''] = /\0depends=([^\0]*)\0/.exec(contents.toString('latin1')) ?? [];
  return names.split(',').map((name) => plainName(name));
}

function readModule(path) {
  if (fs.existsSync(path)) return fs.readFileSync(path);
  return execFileSync('xz', ['-dc', `${path}.xz`], { maxBuffer: 2 ** 27 });
}

/** One entry of a cpio archive in the format "newc": 13 numbers of 8 hexadecimal digits; all parts end at multiples of 4. */
function archived(name, mode, contents = Buffer.alloc(0)) {
  const fields = [0, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length + 1, 0];
  const digits = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([padded(Buffer.from(`070701${digits}${name}\0`)), padded(contents)]);
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
