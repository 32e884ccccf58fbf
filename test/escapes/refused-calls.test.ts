/**
 * What is refused whatever the policy: by number, as an attacker calls it. The lists are written down here on their
 * own, not taken from the catalogue.
 */
import assert from 'node:assert/strict';

import { attackTest, insideTest, saidBy } from '../support/escape.ts';
import type { Outcome } from '../support/run.ts';

const [EPERM, EBUSY, ENOSYS, EOPNOTSUPP] = [1, 16, 38, 95];

/** ENOENT, ESRCH, EBADF, EFAULT, ENODEV, EINVAL, ENOTTY, ENOSYS, EOPNOTSUPP: what is wrong with arguments, or not there. */
const NATURAL: ReadonlySet<number> = new Set([2, 3, 9, 14, 19, 22, 25, ENOSYS, EOPNOTSUPP]);

/** Every one with zeros: nothing that a kernel would do with those is lost. Number: expected errno. */
const ALWAYS: Readonly<Record<string, readonly [number: number, errno: number]>> = {
  mount: [165, EPERM],
  umount2: [166, EPERM],
  pivot_root: [155, EPERM],
  chroot: [161, EPERM],
  open_tree: [428, EPERM],
  move_mount: [429, EPERM],
  fsopen: [430, EPERM],
  fsconfig: [431, EPERM],
  fsmount: [432, EPERM],
  fspick: [433, EPERM],
  mount_setattr: [442, EPERM],
  open_tree_attr: [467, EPERM],
  setns: [308, EPERM],
  open_by_handle_at: [304, EPERM],
  name_to_handle_at: [303, EOPNOTSUPP],
  process_vm_readv: [310, EPERM],
  process_vm_writev: [311, EPERM],
  process_madvise: [440, EPERM],
  process_mrelease: [448, EPERM],
  pidfd_getfd: [438, EPERM],
  kcmp: [312, EPERM],
  io_uring_setup: [425, ENOSYS],
  io_uring_enter: [426, ENOSYS],
  io_uring_register: [427, ENOSYS],
  bpf: [321, EPERM],
  perf_event_open: [298, EPERM],
  userfaultfd: [323, EPERM],
  fanotify_init: [300, EPERM],
  fanotify_mark: [301, EPERM],
  add_key: [248, EPERM],
  request_key: [249, EPERM],
  keyctl: [250, EPERM],
  init_module: [175, EPERM],
  delete_module: [176, EPERM],
  finit_module: [313, EPERM],
  kexec_load: [246, EPERM],
  kexec_file_load: [320, EPERM],
  reboot: [169, EPERM],
  iopl: [172, EPERM],
  ioperm: [173, EPERM],
  modify_ldt: [154, EPERM],
  swapon: [167, EPERM],
  swapoff: [168, EPERM],
  quotactl: [179, EPERM],
  quotactl_fd: [443, EPERM],
  acct: [163, EPERM],
  syslog: [103, EPERM],
  vhangup: [153, EPERM],
  sethostname: [170, EPERM],
  setdomainname: [171, EPERM],
  settimeofday: [164, EPERM],
  clock_settime: [227, EPERM],
  adjtimex: [159, EPERM],
  clock_adjtime: [305, EPERM],
  clone3: [435, ENOSYS],
  uselib: [134, ENOSYS],
  sysfs: [139, ENOSYS],
  _sysctl: [156, ENOSYS],
  ustat: [136, ENOSYS],
  create_module: [174, ENOSYS],
  lookup_dcookie: [212, ENOSYS],
};

/** [label, expected errno, Python expression]. */
const WITH_ARGUMENTS: readonly (readonly [string, number, string])[] = [
  ...[0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000].flatMap(
    (flag) =>
      [
        [`clone ${flag.toString(16)}`, EPERM, `clone(${flag} | 17)`],
        [`unshare ${flag.toString(16)}`, EPERM, `sc(272, ${flag})`],
        [`clone ${flag.toString(16)} with garbage`, EPERM, `clone(0xdead00000000 | ${flag} | 17)`],
      ] as const,
  ),
  ['clone untraced', EPERM, 'clone(0x800000 | 17)'],
  ['unshare time', EPERM, 'sc(272, 0x80)'],
  ['unshare what is not known', EPERM, 'sc(272, 0x00100000)'],
  ['unshare high bits', EPERM, 'sc(272, 1 << 37)'],
  ...[8, 9, 8 | 16, 8 | 32].map(
    (flags) => [`seccomp listener ${flags}`, EBUSY, `sc(317, 1, ${flags}, FILTER)`] as const,
  ),
  ['seccomp listener with garbage', EBUSY, 'sc(317, 0xdead00000001, 0xdead00000008, FILTER)'],
  ['prctl dumpable', EPERM, 'sc(157, 4, 0)'],
  ['prctl mm', EPERM, 'sc(157, 35, 1, 0)'],
  ['prctl securebits', EPERM, 'sc(157, 28, 0)'],
  ['prctl user dispatch', EPERM, 'sc(157, 59, 1, 0, 0, 0)'],
  ['prctl core scheduling', EPERM, 'sc(157, 62, 1, 0, 0, 0)'],
  ['personality read implies exec', EPERM, 'sc(135, 0x400000)'],
  ['personality linux32', EPERM, 'sc(135, 8)'],
  ...['0x5412', '0x541c', '0x541d', '0x5423'].flatMap(
    (command) =>
      [
        [`ioctl ${command}`, EPERM, `sc(16, 0, ${command}, b'x')`],
        [`ioctl ${command} with garbage`, EPERM, `sc(16, 0, ${command} | 1 << 32, b'x')`],
      ] as const,
  ),
  ['move_pages of another', EPERM, 'sc(279, 1, 0, 0, 0, 0, 0)'],
  ['migrate_pages of another', EPERM, 'sc(256, 1, 0, 0, 0)'],
  ['mknod of a character device', EPERM, `sc(133, ROOT + '/a/null', 0x21b6, 0x103)`],
  ['mknod of a block device', EPERM, `sc(133, ROOT + '/a/disk', 0x61b6, 0x800)`],
  ['mknod with garbage', EPERM, `sc(133, ROOT + '/a/null', 0xdead000021b6, 0x103)`],
];

const SCRIPT = String.raw`
FILTER = struct.pack('HxxxxxxQ', 1, reg(struct.pack('HBBI', 6, 0, 0, 0x7fff0000)).value)
def clone(flags):
    result = sc(56, flags, 0, 0, 0, 0)
    if result == 0: os._exit(0)
    if result > 0: os.waitpid(result, 0x40000000)
    return result
results = {}
for label, call in json.loads(sys.argv[2]): results[label] = -eval(call)
print(json.dumps(results))
`;

const CALLS: readonly (readonly [string, number, string])[] = [
  ...Object.entries(ALWAYS).map(([name, [number, errno]]) => [name, errno, `sc(${number})`] as const),
  ...Object.entries(ALWAYS).map(
    ([name, [number, errno]]) =>
      [`${name} with ones`, errno, `sc(${number}, ${Array(6).fill('-1').join(', ')})`] as const,
  ),
  ...WITH_ARGUMENTS,
  ...[337, 400, 423, 472, 473, 500, 547, 600, 1000, 65535, 0x3fffffff].map(
    (number) => [`unknown ${number}`, ENOSYS, `sc(${number}, 0, 0, 0)`] as const,
  ),
];

const POLICIES: readonly (readonly [string, readonly string[]])[] = [
  ['restricted files', ['--read-only']],
  ['no restriction at all', []],
  ['everything allowed', ['--write-allow=/']],
];

for (const [policy, options] of POLICIES) {
  insideTest(
    `K1 K2 P01 P02 P27 P28 P29 P30 P31 F07 F25 F27 F43 F50 refused whatever the policy: ${policy}`,
    `CALLS = r'''${JSON.stringify(CALLS.map(([label, , call]) => [label, call]))}'''\n${SCRIPT.replace('sys.argv[2]', 'CALLS')}`,
    (outcome) => {
      const said = saidBy(outcome);
      const expected = Object.fromEntries(
        CALLS.map(([label, errno]) => {
          // Of these arguments some are wrong before anybody asks for permission (process/refused-errors).
          const isNatural = [EPERM, EOPNOTSUPP].includes(errno) && NATURAL.has(said[label] ?? 0);
          return [label, isNatural ? said[label] : errno];
        }),
      );
      assert.deepEqual(said, expected);
    },
    { policy: () => options },
  );
}

function lacksInt80({ code }: Outcome): string | undefined {
  return code === 50 ? 'this kernel has no 32-bit ABI' : undefined;
}

/** i386 numbers: open 5, unlink 10. */
attackTest({
  id: 'P05',
  title: 'a file is truncated by the 32-bit ABI (int 0x80)',
  script: `sys.exit(50 if in_child(lambda: int80(5, low_memory((ROOT + '/o/f').encode()), 0o1001, 0)) < 0 else 0)`,
  lacking: lacksInt80,
});

attackTest({
  id: 'P05',
  title: 'a file is removed by the 32-bit ABI (int 0x80)',
  script: `sys.exit(50 if in_child(lambda: int80(10, low_memory((ROOT + '/o/f').encode()))) < 0 else 0)`,
  lacking: lacksInt80,
});

attackTest({
  id: 'P06',
  title: 'a file is truncated by a 32-bit program',
  // A static ELF32: open(path, O_WRONLY | O_TRUNC), exit(0).
  script: String.raw`
base, size = 0x8048000, 0x54
code = bytes.fromhex('b805000000bb') + struct.pack('I', base + size + 26) + bytes.fromhex('b901020000cd80b80100000031dbcd80')
image = code + (ROOT + '/o/f').encode() + b'\0'
header = b'\x7fELF\1\1\1'.ljust(16, b'\0') + struct.pack('HHIIIIIHHHHHH', 2, 3, 1, base + size, 52, 0, 0, 52, 32, 1, 0, 0, 0)
segment = struct.pack('IIIIIIII', 1, 0, base, base, size + len(image), size + len(image), 5, 4096)
with open(ROOT + '/a/program', 'wb') as f: f.write(header + segment + image)
os.chmod(ROOT + '/a/program', 0o755)
def program(): os.execv(ROOT + '/a/program', ['program'])
print(status := in_child(program)); sys.exit(50 if status == 99 else 0)`,
  lacking: lacksInt80,
  inside: (_ground, { stdout }) => assert.match(stdout, /^(?:-31|99)$/m),
});

insideTest(
  'P02 P05 a call of the 32-bit ABI is fatal',
  // exit, fork, open, unlink, getpid, socketcall, ipc, clone with CLONE_UNTRACED, and one that no table has.
  `say(**{str(n): in_child(lambda: int80(n, *arguments)) for n, arguments in
  {1: (0,), 2: (), 5: (0, 0o101), 10: (0,), 20: (), 102: (3, 0), 117: (23, 0, 4096), 120: (0x800011, 0), 999: ()}.items()},
  x32=in_child(lambda: -sc(0x40000000 | 39)))`,
  (outcome) => {
    const { x32, ...fatal } = saidBy(outcome);
    assert.deepEqual(new Set(Object.values(fatal)), new Set([-31 /* SIGSYS */]));
    assert.equal(x32, ENOSYS);
  },
);

insideTest(
  'P07 the x32 ABI does not exist',
  String.raw`
numbers = [0x40000000 | n for n in (2, 257, 87, 82, 76, 520, 518, 545, 59, 437)] + [0x80000000 | 2, -1, 0xffffffff]
say(**{hex(n): sc(n, ROOT + '/o/f', 0o1001) for n in numbers})`,
  (outcome) => {
    for (const [number, result] of Object.entries(saidBy(outcome))) assert.equal(result, -ENOSYS, number);
  },
);
