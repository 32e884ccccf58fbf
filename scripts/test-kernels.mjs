// Runs the tests on Debian's packaged kernels in virtual machines, with Landlock and without it.
//   node scripts/test-kernels.mjs [--kernel SERIES] [--lsm landlock|none] [--minutes N] [--emulate] [ARGUMENT OF test.mjs]...
// --emulate does without /dev/kvm and is many times slower: for a few test files (--only), with more --minutes.
// Needs /dev/kvm, root, qemu-system-x86 and a Debian whose package sources hold the kernels; nothing is installed.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { makeImage } from './kernels/image.mjs';
import { fetchKernel, findKernel, makeInitramfs } from './kernels/kernel.mjs';

const root = resolve(import.meta.dirname, '..');
const SERIES = ['6.1', '6.12'];
/** Kernel parameters and what the list of security modules must then say; Debian's own list holds Landlock. */
const BACKINGS = {
  landlock: { parameters: [], landlock: true },
  none: { parameters: ['lsm='], landlock: false },
};
const QEMU = 'qemu-system-x86_64';
const MACHINE = '-m 4G -nodefaults -display none -no-reboot -serial stdio'.split(' ');
const PROCESSOR = {
  kvm: '-enable-kvm -cpu host,arch-capabilities=off -smp 2'.split(' '),
  // A second emulated processor makes the first one slower by more than it does itself; so do newer instructions.
  emulated: '-accel tcg -cpu Nehalem -smp 1'.split(' '),
};
/** An emulated processor has no flaws to mitigate; with the older processor this takes about a sixth less time. */
const PARAMETERS = { kvm: [], emulated: ['mitigations=off'] };
const MINUTE = 60_000;
/** How many times longer the tests wait (test/support/environment.ts); the kernel passes it to its first process. */
const SLOWNESS = { kvm: 1, emulated: 10 };
/** What the emulator says when it leaves a machine standing: a virtual machine may have a /dev/kvm that is not the whole of it. */
const KVM_FAILURE = 'KVM internal error';
/** Minutes until the tests begin: some machines have a /dev/kvm that cannot run these kernels. */
const BOOT_MINUTES = 3;

const options = readArguments(process.argv.slice(2));
const missing = whatIsMissing();
if (missing !== undefined) {
  console.error(`test: FAILED: no kernel was tested: ${missing}`);
  process.exit(1);
}

const folder = fs.mkdtempSync('/var/tmp/secfilter-kernels-');
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
conclude(await testKernels());

function readArguments(words) {
  const result = {
    series: SERIES,
    backings: Object.keys(BACKINGS),
    minutes: 25,
    processor: 'kvm',
    passed: [],
  };
  for (let index = 0; index < words.length; index += 1) {
    const [word, value] = [words[index], words[index + 1]];
    if (word === '--emulate') {
      result.processor = 'emulated';
      continue;
    }
    if (!['--kernel', '--lsm', '--minutes'].includes(word)) {
      // They travel as words of the kernel's command line.
      if (/[\s"]/.test(word)) refuse(word);
      result.passed.push(word);
      continue;
    }
    if (word === '--kernel' && /^\d+\.\d+$/.test(value)) result.series = [value];
    else if (word === '--lsm' && Object.hasOwn(BACKINGS, value)) result.backings = [value];
    else if (word === '--minutes' && Number(value) > 0) result.minutes = Number(value);
    else refuse(`${word} ${value}`);
    index += 1;
  }
  return result;
}

function refuse(words) {
  const usage =
    'test-kernels.mjs [--kernel 6.1] [--lsm landlock|none] [--minutes N] [--emulate] [ARGUMENT OF test.mjs]...';
  console.error(`test: cannot understand "${words}"; usage: ${usage}`);
  process.exit(2);
}

function whatIsMissing() {
  try {
    if (options.processor === 'kvm') fs.accessSync('/dev/kvm', fs.constants.R_OK | fs.constants.W_OK);
  } catch {
    return '/dev/kvm cannot be opened';
  }
  if (process.getuid() !== 0) return 'the file system of the machines can be made by root only';
  const path = (process.env.PATH ?? '').split(':');
  const absent = [QEMU, 'mke2fs', 'apt-get', 'dpkg-deb', 'xz', 'tar'].filter(
    (name) => !path.some((place) => fs.existsSync(join(place, name))),
  );
  return absent.length > 0 ? `not installed: ${absent.join(', ')}` : undefined;
}

async function testKernels() {
  const image = makeImage(root, folder);
  const runs = [];
  for (const series of options.series) {
    const name = findKernel(series);
    const kernel = name && fetchKernel(name, join(folder, series));
    if (!kernel) {
      runs.push({ title: `Linux ${series}`, skipped: 'the package sources of this machine do not hold it' });
      continue;
    }
    const initramfs = makeInitramfs(kernel, join(folder, `${series}.cpio`));
    for (const backing of options.backings) runs.push(await boot(kernel, initramfs, image, backing));
  }
  return runs;
}

/** Starts one machine and reads from its console what became of the tests. */
async function boot(kernel, initramfs, image, backing) {
  const title = `Linux ${kernel.release}, ${backing === 'none' ? 'without' : 'with'} Landlock`;
  console.log(`\n==== ${title}`);
  const { parameters, landlock } = BACKINGS[backing];
  const slowness = `SECFILTER_TEST_SLOWNESS=${SLOWNESS[options.processor]}`;
  const settings = ['console=ttyS0', 'quiet', 'panic=-1', ...PARAMETERS[options.processor], ...parameters];
  const append = [...settings, slowness, '--', ...options.passed];
  const drive = `file=${image},if=virtio,format=raw,snapshot=on`;
  const boots = ['-kernel', kernel.image, '-initrd', initramfs, '-append', append.join(' ')];
  const child = spawn(QEMU, [...PROCESSOR[options.processor], ...MACHINE, '-drive', drive, ...boots], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: dirname(image) },
  });
  const stop = () => child.kill('SIGKILL');
  process.on('exit', stop);
  let late;
  const timers = [
    [BOOT_MINUTES, `no start of the tests after ${BOOT_MINUTES} minutes: can /dev/kvm run this kernel?`],
    [options.minutes, `no end after ${options.minutes} minutes`],
  ].map(([minutes, problem]) =>
    setTimeout(() => {
      if (minutes === BOOT_MINUTES && text.includes('guest: kernel ')) return;
      late = problem;
      stop();
    }, minutes * MINUTE),
  );
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (data) => {
    process.stderr.write(data);
    if (!data.includes(KVM_FAILURE)) return;
    late = '/dev/kvm cannot run this kernel: --emulate does without it';
    stop();
  });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (data) => {
    process.stdout.write(data);
    text += data;
  });
  await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  });
  for (const timer of timers) clearTimeout(timer);
  process.off('exit', stop);
  return { title, ...judge(text.replaceAll('\r', ''), kernel.release, landlock, late) };
}

/** The machine names its kernel and its security modules itself: tests on another one prove nothing. */
function judge(text, release, landlock, late) {
  const [, running, modules] = /^guest: kernel (\S+), security modules (\S*)$/m.exec(text) ?? [];
  const [, status] = /^guest: the tests ended with (\d+)$/m.exec(text) ?? [];
  const problems = [];
  if (late !== undefined) problems.push(late);
  if (running !== release) problems.push(`the kernel that ran is ${running ?? 'unknown'}`);
  else if (modules.split(',').includes('landlock') !== landlock)
    problems.push(`the security modules are ${modules}`);
  if (late === undefined && status !== '0') problems.push(`the tests ended with ${status ?? 'nothing'}`);
  const summary = text.split('\n== summary\n')[1]?.split('\nguest:')[0];
  if (summary === undefined) problems.push('no summary of the tests');
  return { problems, summary: summary ?? '' };
}

function conclude(runs) {
  console.log('\n==== summary of the kernels');
  for (const { title, skipped, problems, summary } of runs) {
    if (skipped !== undefined) console.log(`${title}: SKIPPED: ${skipped}`);
    else {
      console.log(`${title}: ${problems.length > 0 ? `FAILED: ${problems.join('; ')}` : 'passed'}`);
      for (const line of summary.split('\n')) if (line !== '') console.log(`  ${line}`);
    }
  }
  const tested = runs.filter(({ skipped }) => skipped === undefined);
  if (tested.length === 0) console.log('FAILED: no kernel was tested');
  process.exit(tested.length > 0 && tested.every(({ problems }) => problems.length === 0) ? 0 : 1);
}
