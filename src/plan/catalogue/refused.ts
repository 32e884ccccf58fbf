/**
 * Calls that have no place in a confined tree: they act on the whole machine, or do in the kernel what the filter
 * would have to see. Most need a capability; for an ordinary user EPERM is what the kernel itself answers.
 */
import { absent, type Part, refused } from './call-class.ts';

export const REFUSED = {
  // What these do is in a ring in memory, past every filter. Programs that use them know kernels without.
  io_uring_setup: absent('does file and network operations that no filter sees'),
  io_uring_enter: absent('does file and network operations that no filter sees'),
  io_uring_register: absent('does file and network operations that no filter sees'),

  bpf: refused('loads programs into the kernel'),
  perf_event_open: refused('watches the kernel and other processes'),
  userfaultfd: refused('can stall the kernel or the supervisor in the middle of a read'),
  fanotify_init: refused('watches, and can hold up, what other processes open'),
  fanotify_mark: refused('watches, and can hold up, what other processes open'),

  add_key: refused('keys are shared with processes outside'),
  request_key: refused('keys are shared with processes outside, and made by helpers outside'),
  keyctl: refused('keys are shared with processes outside'),

  init_module: refused('loads code into the kernel'),
  finit_module: refused('loads code into the kernel'),
  delete_module: refused('removes code from the kernel'),
  kexec_load: refused('replaces the kernel'),
  kexec_file_load: refused('replaces the kernel'),
  reboot: refused('stops the machine'),
  iopl: refused('gives access to hardware ports'),
  ioperm: refused('gives access to hardware ports'),
  modify_ldt: refused('makes 16 and 32 bit segments, an old source of kernel bugs'),

  swapon: refused('writes to a device'),
  swapoff: refused('changes the whole machine'),
  quotactl: refused('changes limits of a file system'),
  quotactl_fd: refused('changes limits of a file system'),
  acct: refused('makes the kernel write to a file'),
  syslog: refused('reads and clears messages of the kernel'),
  vhangup: refused('hangs up the terminal'),
  sethostname: refused('changes the whole machine'),
  setdomainname: refused('changes the whole machine'),
  settimeofday: refused('sets the clock'),
  clock_settime: refused('sets the clock'),
  adjtimex: refused('sets the clock; whether it only reads lies in memory'),
  clock_adjtime: refused('sets the clock; whether it only reads lies in memory'),
} satisfies Part;

/** Calls that are gone, or were never there on x86-64: the kernel answers the same, save for ustat and sysfs. */
export const GONE = {
  _sysctl: absent('removed in Linux 5.5'),
  create_module: absent('removed in Linux 2.6'),
  get_kernel_syms: absent('removed in Linux 2.6'),
  query_module: absent('removed in Linux 2.6'),
  nfsservctl: absent('removed in Linux 3.1'),
  lookup_dcookie: absent('removed in Linux 6.7'),
  uselib: absent('never wired up on x86-64'),
  set_thread_area: absent('only for 32 bit programs'),
  get_thread_area: absent('only for 32 bit programs'),
  epoll_ctl_old: absent('never implemented'),
  epoll_wait_old: absent('never implemented'),
  getpmsg: absent('never implemented'),
  putpmsg: absent('never implemented'),
  afs_syscall: absent('never implemented'),
  tuxcall: absent('never implemented'),
  security: absent('never implemented'),
  vserver: absent('never implemented'),
  ustat: absent('obsolete: statfs tells the same'),
  sysfs: absent('obsolete: /proc/filesystems tells the same'),
} satisfies Part;
