import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { isSyscallName, type SyscallName, syscallName, SYSCALL_NAMES, X86_64 } from '../linux/syscalls.ts';
import { CATALOGUE, REGISTER_RULES } from './catalogue.ts';
import { FILES } from './catalogue/files.ts';
import { HARMLESS } from './catalogue/harmless.ts';
import { NETWORK } from './catalogue/network.ts';
import { PROCESSES } from './catalogue/processes.ts';
import { GONE, REFUSED } from './catalogue/refused.ts';

/** Calls through which sandboxes were left or files changed, by subject: none of them may simply pass. */
const NEVER_HARMLESS = {
  write: `open openat openat2 creat truncate mkdir mkdirat mknod mknodat rmdir unlink unlinkat symlink symlinkat
    rename renameat renameat2 link linkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
    utime utimes futimesat utimensat file_setattr ioctl mq_open mq_unlink
    shmget shmctl shmat msgget msgsnd msgctl semget semop semtimedop semctl`,
  paths: `name_to_handle_at open_by_handle_at mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick
    move_mount open_tree open_tree_attr mount_setattr swapon swapoff quotactl quotactl_fd acct uselib`,
  network: `socket socketpair connect sendto sendmsg sendmmsg bind setsockopt
    io_uring_setup io_uring_enter io_uring_register pidfd_getfd bpf perf_event_open`,
  escape: `seccomp clone clone3 unshare setns ptrace process_vm_readv process_vm_writev process_madvise
    process_mrelease kcmp prctl set_thread_area modify_ldt iopl ioperm personality
    kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal fcntl
    setpgid prlimit64 setpriority sched_setparam sched_setscheduler sched_setaffinity sched_setattr ioprio_set
    migrate_pages move_pages userfaultfd fanotify_init fanotify_mark keyctl add_key request_key`,
  machine: `init_module finit_module delete_module kexec_load kexec_file_load reboot syslog settimeofday
    clock_settime adjtimex clock_adjtime sethostname setdomainname vhangup lookup_dcookie nfsservctl _sysctl
    sysfs ustat create_module query_module get_kernel_syms vserver tuxcall security afs_syscall getpmsg putpmsg
    epoll_ctl_old epoll_wait_old`,
};

/** Calls without which ordinary programs, the C library among them, do not start. */
const ALWAYS_HARMLESS = `read write close fstat newfstatat statx mmap mprotect munmap brk rt_sigaction rt_sigprocmask
  rt_sigreturn restart_syscall pread64 getrandom arch_prctl set_tid_address set_robust_list rseq futex
  exit exit_group wait4 waitid fork vfork epoll_wait poll clock_gettime uretprobe uprobe
  landlock_add_rule memfd_create pipe2 dup2 getdents64 getcwd chdir`;

void test('every number has one class', () => {
  for (const name of SYSCALL_NAMES) assert.ok(Object.hasOwn(CATALOGUE, name), name);
  assert.deepEqual(Object.keys(CATALOGUE).toSorted(), SYSCALL_NAMES.toSorted());
  const numbers = new Set(Object.keys(CATALOGUE).map((name) => isSyscallName(name) && X86_64[name]));
  assert.equal(numbers.size, 385);
  for (let number = 0; number <= 471; number += 1) {
    const known = number <= 336 || number >= 424;
    const name = syscallName(number);
    assert.equal(name !== undefined && name in CATALOGUE, known, String(number));
  }
});

void test('no part of the catalogue overrides another', () => {
  const names = [HARMLESS, FILES, NETWORK, PROCESSES, REFUSED, GONE].flatMap((part) => Object.keys(part));
  assert.equal(names.length, new Set(names).size);
});

void test('calls that change something outside or leave the sandbox are not harmless', () => {
  for (const [subject, list] of Object.entries(NEVER_HARMLESS)) {
    for (const name of namesIn(list))
      assert.notEqual(CATALOGUE[name].kind, 'harmless', `${name} (${subject})`);
  }
});

void test('calls that every program needs pass unseen', () => {
  for (const name of namesIn(ALWAYS_HARMLESS)) assert.equal(CATALOGUE[name].kind, 'harmless', name);
});

void test('what reads without an open is referred only where reading is judged', () => {
  for (const name of namesIn('readlink readlinkat execve execveat')) {
    const found = CATALOGUE[name];
    assert.ok(found.kind === 'referred' && found.when === 'reads' && found.judge === 'files', name);
  }
});

void test('calls that programs probe for answer what makes them fall back', () => {
  for (const name of namesIn('clone3 io_uring_setup')) assert.equal(CATALOGUE[name].kind, 'absent', name);
  const errnos = ['process_vm_readv EPERM', 'fanotify_init EPERM', 'name_to_handle_at EOPNOTSUPP'];
  for (const [call, errno] of errnos.map((words) => words.split(' '))) {
    for (const name of namesIn(call ?? '')) {
      const found = CATALOGUE[name];
      assert.equal(found.kind === 'refused' && found.errno, errno, name);
    }
  }
});

void test('what protects the sandbox itself holds whatever the policy', () => {
  for (const name of namesIn(`${NEVER_HARMLESS.escape} ${NEVER_HARMLESS.machine}`)) {
    const found = CATALOGUE[name];
    assert.ok(['registers', 'refused', 'absent'].includes(found.kind), name);
    assert.ok(!('when' in found), name);
  }
});

void test('calls with a Unix socket address are referred under any restriction', () => {
  for (const name of namesIn('connect bind sendto sendmsg sendmmsg')) {
    const found = CATALOGUE[name];
    assert.ok(found.kind === 'referred' && found.when === 'any' && found.judge === 'network', name);
  }
});

void test('every rule is used, and every entry but the harmless says why in a line', () => {
  const rules = new Set<string>();
  for (const name of SYSCALL_NAMES) {
    const found = CATALOGUE[name];
    if ('rule' in found) rules.add(found.rule);
    if (found.kind === 'harmless') continue;
    const text = 'note' in found ? found.note : found.reason;
    assert.match(text, /^[^\n]{8,110}[^.\n]$/, name);
  }
  assert.deepEqual([...rules].toSorted(), REGISTER_RULES.toSorted());
});

function namesIn(list: string): SyscallName[] {
  return list
    .trim()
    .split(/\s+/)
    .map((name) => {
      assert.ok(isSyscallName(name), `${name} is no system call`);
      return name;
    });
}
