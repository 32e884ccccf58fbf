/**
 * Calls that change files, or what a path means (path_resolution(7)).
 */
import { type CallClass, type Part, type RegisterRule, refused } from './call-class.ts';

export const FILES = {
  open: opens('what may write, create or truncate is referred; what reads, where that is judged'),
  openat: opens('what may write, create or truncate is referred; what reads, where that is judged'),
  openat2: files('its flags lie in memory, where the filter cannot see them'),
  creat: files('creates or truncates'),
  readlink: reads('tells what a symbolic link holds'),
  readlinkat: reads('tells what a symbolic link holds'),
  execve: reads('reads what it executes: judged, and done by the kernel'),
  execveat: reads('reads what it executes: judged, and done by the kernel'),
  landlock_create_ruleset: files('ENOSYS where so much is performed that a domain inside would be passed by'),
  landlock_restrict_self: files(
    'from then on openat2 is answered ENOSYS: performed, it would pass the inner domain by',
  ),
  access: asks(),
  faccessat: asks(),
  faccessat2: asks(),
  truncate: files('changes a file without opening it'),
  mkdir: files('makes a directory'),
  mkdirat: files('makes a directory'),
  mknod: files('makes a FIFO, socket or file; device nodes are always refused', 'mknod-mode'),
  mknodat: files('makes a FIFO, socket or file; device nodes are always refused', 'mknod-mode'),
  rmdir: files('removes a directory'),
  unlink: files('removes a name'),
  unlinkat: files('removes a name'),
  symlink: files('makes a name'),
  symlinkat: files('makes a name'),
  link: files('a second name would make a file writable elsewhere: both ends are judged'),
  linkat: files('a second name would make a file writable elsewhere: both ends are judged'),
  rename: files('changes both directories'),
  renameat: files('changes both directories'),
  renameat2: files('changes both directories; may swap names or leave a whiteout device'),

  chmod: metadata('changes the mode'),
  fchmod: metadata('changes the mode, even through a descriptor open for reading'),
  fchmodat: metadata('changes the mode'),
  fchmodat2: metadata('changes the mode'),
  chown: metadata('changes the owner'),
  fchown: metadata('changes the owner, even through a descriptor open for reading'),
  lchown: metadata('changes the owner'),
  fchownat: metadata('changes the owner'),
  utime: metadata('changes times'),
  utimes: metadata('changes times'),
  futimesat: metadata('changes times, even through a descriptor open for reading'),
  utimensat: metadata('changes times, even through a descriptor open for reading'),
  setxattr: metadata('changes an extended attribute'),
  lsetxattr: metadata('changes an extended attribute'),
  fsetxattr: metadata('changes an extended attribute, even through a descriptor open for reading'),
  setxattrat: metadata('changes an extended attribute'),
  removexattr: metadata('removes an extended attribute'),
  lremovexattr: metadata('removes an extended attribute'),
  fremovexattr: metadata('removes an extended attribute, even through a descriptor open for reading'),
  removexattrat: metadata('removes an extended attribute'),
  file_setattr: metadata('changes flags such as immutable, by path'),
  ioctl: metadata(
    'most pass; terminal input is not injected; signal owners, flags, terminal modes and TIOCGPTPEER are referred',
    'ioctl-command',
  ),

  mount: refused('changes what a path means'),
  umount2: refused('changes what a path means'),
  pivot_root: refused('changes what a path means'),
  chroot: refused('changes what a path means'),
  fsopen: refused('part of mounting'),
  fsconfig: refused('part of mounting'),
  fsmount: refused('part of mounting'),
  fspick: refused('part of mounting'),
  move_mount: refused('changes what a path means'),
  mount_setattr: refused('changes a mount'),
  open_tree: refused('gives a detached mount, in which a path has another meaning'),
  open_tree_attr: refused('gives a detached mount, in which a path has another meaning'),
  open_by_handle_at: refused('opens a file without a path'),
  // The errno of a file system that has no handles: what every caller of name_to_handle_at must cope with.
  name_to_handle_at: refused('names a file without a path', { errno: 'EOPNOTSUPP' }),

  // Objects that outlive the sandbox and are shared with every process of the user. They are not files, so no path
  // rule reaches them; System V objects are even reached by number, without any open.
  mq_open: {
    kind: 'referred',
    judge: 'ipc',
    when: 'queues',
    note: 'performed, so that it is known what was made inside; Landlock lets nobody write to a queue',
  },
  mq_unlink: ipc('removes a message queue, which may be one from outside'),
  msgget: ipc('performed, so that it is known what was made inside'),
  msgsnd: ipc('reaches, by number, objects of processes outside too'),
  msgrcv: ipc('reaches, by number, objects of processes outside too'),
  msgctl: ipc('reaches, by number, objects of processes outside too'),
  semget: ipc('performed, so that it is known what was made inside'),
  semop: ipc('reaches, by number, objects of processes outside too'),
  semtimedop: ipc('reaches, by number, objects of processes outside too'),
  semctl: ipc('reaches, by number, objects of processes outside too'),
  shmget: ipc('performed, so that it is known what was made inside'),
  shmat: ipc('reaches, by number, objects of processes outside too'),
  shmctl: ipc('reaches, by number, objects of processes outside too'),
} satisfies Part;

/** Under every policy: by files of /proc, /sys and control groups the kernel acts for whoever writes to them. */
function opens(note: string): CallClass {
  return { kind: 'referred', judge: 'files', rule: 'open-flags', note };
}

function asks(): CallClass {
  const note = 'whether a file may be written is answered as the policy will; all else passes';
  return { kind: 'referred', judge: 'files', when: 'files', rule: 'access-mode', note };
}

function files(note: string, rule?: RegisterRule): CallClass {
  return { kind: 'referred', judge: 'files', when: 'names', ...(rule && { rule }), note };
}

/** Landlock's answer counts besides. */
function reads(note: string): CallClass {
  return { kind: 'referred', judge: 'files', when: 'reads', note };
}

function metadata(note: string, rule?: RegisterRule): CallClass {
  return { kind: 'referred', judge: 'metadata', when: 'files', ...(rule && { rule }), note };
}

function ipc(note: string): CallClass {
  return { kind: 'referred', judge: 'ipc', when: 'files', note };
}
