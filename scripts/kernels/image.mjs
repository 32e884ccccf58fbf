// The file system of the test machines: the Debian packages that the tests use, copied from this machine, Node and the project.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';

/** What is left out of the packages, which no test reads. */
const LEFT_OUT = /^\/usr\/share\/(?:doc|man|locale|info|lintian|icons)\//;
/** Made at installation, so no package lists them. Nothing else of /etc: it may hold secrets. */
const MADE = ['alternatives', 'group', 'ld.so.cache', 'nsswitch.conf', 'passwd', 'services', 'protocols'];
const FOLDERS = [
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'root',
  'home',
  'mnt',
  'opt',
  'srv',
  'var/tmp',
  'var/lib',
];
const CLONE = 'src test scripts bench docs samples share node_modules .ci'.split(' ');
const CLONE_FILES = 'tsconfig.json README.md CONTRIBUTING.md LICENSE package.json package-lock.json'.split(
  ' ',
);
const SIZE = '6G';

/** Returns the path of an ext4 image; the folder must be on a disk with 2 GB to spare. */
export function makeImage(project, folder) {
  const tree = join(folder, 'tree');
  for (const name of FOLDERS) fs.mkdirSync(join(tree, name), { recursive: true });
  fs.chmodSync(join(tree, 'tmp'), 0o1777);
  fs.chmodSync(join(tree, 'var/tmp'), 0o1777);
  fs.chmodSync(join(tree, 'root'), 0o700);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    fs.mkdirSync(join(tree, 'usr', name), { recursive: true });
    fs.symlinkSync(`usr/${name}`, join(tree, name));
  }
  copyFromHere(tree, [
    ...filesOfPackages(project),
    ...MADE.map((name) => `/etc/${name}`),
    ...filesOfNode(),
    ...links(),
  ]);
  fs.writeFileSync(join(tree, 'etc/hosts'), '127.0.0.1 localhost guest\n::1 localhost\n');
  // Tests in network namespaces put their own over it, which needs a file to be there.
  fs.writeFileSync(join(tree, 'etc/resolv.conf'), '');
  fs.writeFileSync(join(tree, 'root/node'), `${process.execPath}\n`);
  const clone = join(tree, 'root/secfilter');
  for (const name of [...CLONE, ...CLONE_FILES]) {
    if (fs.existsSync(join(project, name)))
      fs.cpSync(join(project, name), join(clone, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const script of ['node_modules/typescript/bin/tsc', 'scripts/build.mjs'])
    execFileSync(process.execPath, [script], { cwd: clone, stdio: 'inherit' });
  const image = join(folder, 'image');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, SIZE], { stdio: 'inherit' });
  fs.rmSync(tree, { recursive: true });
  return image;
}

function copyFromHere(tree, paths) {
  const present = [...new Set(paths)].filter((path) => fs.lstatSync(path, { throwIfNoEntry: false }));
  const recursive = present.filter((path) => path === '/etc/alternatives');
  const plain = present.filter((path) => !recursive.includes(path));
  for (const [list, recursion] of [
    [plain, '--no-recursion'],
    [recursive, '--recursion'],
  ]) {
    const archive = join(dirname(tree), 'archive');
    const words = ['-C', '/', recursion, '-cf', archive, '--null', '--verbatim-files-from', '--files-from=-'];
    execFileSync('tar', words, {
      input: list.map((path) => `${path.slice(1)}\0`).join(''),
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    execFileSync('tar', ['-C', tree, '--keep-directory-symlink', '-xpf', archive], { stdio: 'inherit' });
    fs.rmSync(archive);
  }
}

/** The names of a list of packages, without their versions and architectures. */
function names(text) {
  const words = text.split(/[,|]/).map((item) => item.trim().replace(/[\s:(].*$/, ''));
  return words.filter((word) => word !== '');
}

/** The files of the packages that .ci/run names, of the essential ones, and of all that they depend on. */
function filesOfPackages(project) {
  const format = '${db:Status-Status}\t${Package}\t${Essential}\t${Provides}\t${Pre-Depends}, ${Depends}\n';
  const rows = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const depends = new Map();
  const provided = new Map();
  const wanted = ['mount', ...fs.readFileSync(join(project, '.ci/run'), 'utf8').split(/[\s\\]+/)];
  for (const row of rows.split('\n')) {
    const [status, name, essential, provides, needed] = row.split('\t');
    if (status !== 'installed') continue;
    depends.set(name, names(needed));
    for (const other of names(provides)) provided.set(other, [...(provided.get(other) ?? []), name]);
    if (essential === 'yes') wanted.push(name);
  }
  const chosen = new Set();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (chosen.has(name)) continue;
    if (depends.has(name)) chosen.add(name);
    wanted.push(...(depends.get(name) ?? provided.get(name) ?? []));
  }
  const lists = execFileSync('dpkg', ['-L', ...chosen], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return lists
    .split('\n')
    .filter((path) => path.startsWith('/') && path !== '/.')
    .map((path) => path.replace(/^\/(?=(?:bin|sbin|lib|lib64)\/)/, '/usr/'))
    .filter((path) => !LEFT_OUT.test(path) && !/^\/(?:bin|sbin|lib|lib64)$/.test(path));
}

/** Node and the libraries that it loads. */
function filesOfNode() {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  const paths = [process.execPath, ...libraries].map((path) =>
    join(fs.realpathSync(dirname(path)), path.slice(dirname(path).length)),
  );
  return [...paths, ...paths.map((path) => fs.realpathSync(path))];
}

/** Commands that are links through /etc/alternatives, as awk and nc are; ld.so's own links. */
function links() {
  return ['/usr/bin', '/usr/sbin', '/usr/lib/x86_64-linux-gnu'].flatMap((place) =>
    fs
      .readdirSync(place, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => join(place, name)),
  );
}
