/** Numbers of ioctl(2) commands, of which the kernel reads the low 32 bits (ioctl_list(2), include/uapi). */

/** Feed or redirect a terminal: input that the shell behind the terminal would read (ioctl_tty(2)). */
export const TERMINAL_INJECTION = {
  TIOCSTI: 0x5412,
  TIOCLINUX: 0x541c,
  TIOCCONS: 0x541d,
  TIOCSETD: 0x5423,
} as const;

/** Makes a terminal the controlling one, of a session's leader that has none (ioctl_tty(2)). */
export const TIOCSCTTY = 0x540e;

/**
 * Whether a command is one of terminals (ioctl_tty(2)) or has a number among theirs: bits 8 to 15 are 0x54, bit 7 is clear. Above
 * are those of sound timers and network tunnels.
 */
export const TERMINAL_FAMILY = { mask: 0xff80, value: 0x5400 } as const;

/** Change a terminal, also by a descriptor that is open for reading: how many bytes their argument points to; 0: it is a number. */
export const TERMINAL_CHANGES: ReadonlyMap<number, number> = new Map([
  [0x5402, 36] /* TCSETS */,
  [0x5403, 36] /* TCSETSW */,
  [0x5404, 36] /* TCSETSF */,
  [0x402c542b, 44] /* TCSETS2 */,
  [0x402c542c, 44] /* TCSETSW2 */,
  [0x402c542d, 44] /* TCSETSF2 */,
  [0x5406, 18] /* TCSETA */,
  [0x5407, 18] /* TCSETAW */,
  [0x5408, 18] /* TCSETAF */,
  [0x5409, 0] /* TCSBRK */,
  [0x5425, 0] /* TCSBRKP */,
  [0x5427, 0] /* TIOCSBRK */,
  [0x5428, 0] /* TIOCCBRK */,
  [0x540a, 0] /* TCXONC */,
  [0x540b, 0] /* TCFLSH */,
  [0x540c, 0] /* TIOCEXCL */,
  [0x540d, 0] /* TIOCNXCL */,
  [0x5414, 8] /* TIOCSWINSZ */,
  [0x5416, 4] /* TIOCMBIS */,
  [0x5417, 4] /* TIOCMBIC */,
  [0x5418, 4] /* TIOCMSET */,
  [0x541a, 4] /* TIOCSSOFTCAR */,
  [0x541f, 72] /* TIOCSSERIAL */,
  [0x542f, 32] /* TIOCSRS485 */,
  [0xc0285443, 40] /* TIOCSISO7816 */,
  [0x5420, 4] /* TIOCPKT */,
  [0x40045431, 4] /* TIOCSPTLCK */,
  [0x40045436, 0] /* TIOCSIG */,
]);

/** Of these, with an argument that is not 0: waits until what was written is sent (tcdrain(3)). */
export const TCSBRK = 0x5409;

/** Commands of that family that change no terminal but one's own controlling one, or that only a capability opens. */
export const TERMINAL_READS = {
  TCGETS: 0x5401,
  TCGETA: 0x5405,
  TIOCSCTTY,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCGWINSZ: 0x5413,
  TIOCMGET: 0x5415,
  TIOCGSOFTCAR: 0x5419,
  FIONREAD: 0x541b,
  TIOCGSERIAL: 0x541e,
  FIONBIO: 0x5421,
  TIOCNOTTY: 0x5422,
  TIOCGETD: 0x5424,
  TIOCGSID: 0x5429,
  TCGETS2: 0x802c542a,
  TIOCGRS485: 0x542e,
  TIOCGPTN: 0x80045430,
  TIOCGDEV: 0x80045432,
  TCGETX: 0x5432,
  TIOCVHANGUP: 0x5437,
  TIOCGPKT: 0x80045438,
  TIOCGPTLCK: 0x80045439,
  TIOCGEXCL: 0x80045440,
  TIOCGISO7816: 0x80285442,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
  TIOCSERCONFIG: 0x5453,
  TIOCGLCKTRMIOS: 0x5456,
  TIOCSLCKTRMIOS: 0x5457,
  TIOCSERGETLSR: 0x5459,
  TIOCMIWAIT: 0x545c,
  TIOCGICOUNT: 0x545d,
  FIOQSIZE: 0x5460,
} as const;

/** Commands of ALSA's timers with numbers below 0x80 (sound/asound.h). */
export const SOUND_TIMERS: readonly number[] = [
  0x80045400, 0xc0145401, 0x40045402, 0xc0f85403, 0x404c5404, 0xc0505405, 0x40345410, 0x80e85411, 0x40505412,
  0x80585414, 0x80605414,
];

/** Opens the other side of a pseudo-terminal, without its name (ioctl_tty(2)). The argument is the flags of open(2). */
export const TIOCGPTPEER = 0x5441;

/** Name who gets the signals of a descriptor (socket(7)). */
export const SIGNAL_OWNER = { FIOSETOWN: 0x8901, SIOCSPGRP: 0x8902 } as const;

/** Ask for signals when a descriptor is ready, as O_ASYNC does (open(2)). */
export const ASYNC_SIGNALS = { FIOASYNC: 0x5452 } as const;

/** Change a file behind a descriptor that is open for reading only; the argument is a plain value. */
export const FILE_FLAGS = {
  FS_IOC_SETFLAGS: 0x40086602,
  FS_IOC32_SETFLAGS: 0x40046602,
  FS_IOC_SETVERSION: 0x40087602,
  FS_IOC32_SETVERSION: 0x40047602,
  FS_IOC_FSSETXATTR: 0x401c5820,
} as const;

/**
 * Families of commands (bits 8 to 15) by which file systems and block devices are changed. Of these only the commands
 * named in FILE_SYSTEM_READS pass under a file policy.
 *
 * Others are held elsewhere. By a capability that no sandbox has: CAP_SYS_ADMIN for md (9), nbd (0xab), device mapper (0xfd),
 * autofs (0x93), persistent reservations and OPAL ('p'); CAP_SYS_RESOURCE for UBI devices ('o'). By a descriptor that is
 * open for writing: MTD ('M', Linux 5.8), NVMe ('N') and SCSI (0x22, 0x53) commands that write. exFAT, NTFS3, GFS2, JFS,
 * overlayfs and F2FS have those of the families here. And all commands of devices by Landlock (LANDLOCK_ACCESS_FS_IOCTL_DEV).
 */
export const FILE_SYSTEM_FAMILIES = {
  block: 0x12,
  xfs: 0x58,
  generic: 0x66,
  version: 0x76,
  btrfs: 0x94,
  ceph: 0x97,
  /** SMB2 commands of any kind pass through one of them. */
  cifs: 0xcf,
  /** Names of DOS attributes, and blocks written anew. */
  zfs: 0x83,
  zfsControl: 0x5a,
  nilfs: 0x6e,
  reiserfs: 0xcd,
  ubiVolume: 0x4f,
  bcachefs: 0xbc,
  f2fs: 0xf5,
  /** Also makes, fills and removes devices by a descriptor open for reading. */
  loop: 0x4c,
} as const;

/** Change files by a descriptor that is open for reading, in families whose other commands are harmless. */
export const FILE_CHANGES = {
  FAT_IOCTL_SET_ATTRIBUTES: 0x40047211,
  OCFS2_IOC_REFLINK: 0x40186f04,
  HFSPLUS_IOC_BLESS: 0x6880,
  UDF_RELOCATE_BLOCKS: 0xc0086c43,
} as const;

/**
 * Give files other names, or copy them by their names, without an open or a link: snapshots, and OCFS2_IOC_REFLINK. Who owns the files
 * may do it.
 */
export const SECOND_NAMES = {
  BTRFS_IOC_SNAP_CREATE: 0x50009401,
  BTRFS_IOC_SNAP_CREATE_V2: 0x50009417,
  BCH_IOCTL_SUBVOLUME_CREATE: 0x4020bc10,
  OCFS2_IOC_REFLINK: FILE_CHANGES.OCFS2_IOC_REFLINK,
} as const;

/** Commands of those families that the kernel has for whatever is open (fs/ioctl.c). */
export const VFS_COMMANDS = {
  FIFREEZE: 0xc0045877,
  FITHAW: 0xc0045878,
  FIDEDUPERANGE: 0xc0189436,
} as const;

/** The same, for files alone. */
export const ALLOCATIONS = {
  FS_IOC_RESVSP: 0x40305828,
  FS_IOC_UNRESVSP: 0x40305829,
  FS_IOC_RESVSP64: 0x4030582a,
  FS_IOC_UNRESVSP64: 0x4030582b,
  FS_IOC_ZERO_RANGE: 0x40305839,
} as const;

/** Commands of those families that only read, or that need a descriptor open for writing. */
export const FILE_SYSTEM_READS = {
  BLKROGET: 0x125e,
  BLKGETSIZE: 0x1260,
  BLKSSZGET: 0x1268,
  BLKBSZGET: 0x80081270,
  BLKGETSIZE64: 0x80081272,
  BLKIOMIN: 0x1278,
  BLKIOOPT: 0x1279,
  BLKALIGNOFF: 0x127a,
  BLKPBSZGET: 0x127b,
  XFS_IOC_DIOINFO: 0x800c581e,
  FS_IOC_FSGETXATTR: 0x801c581f,
  FS_IOC_GETFLAGS: 0x80086601,
  FS_IOC32_GETFLAGS: 0x80046601,
  FS_IOC_FIEMAP: 0xc020660b,
  FS_IOC_GET_ENCRYPTION_POLICY: 0x400c6615,
  FS_IOC_GET_ENCRYPTION_POLICY_EX: 0xc0096616,
  FS_IOC_MEASURE_VERITY: 0xc0046686,
  FS_IOC_GETVERSION: 0x80087601,
  FS_IOC32_GETVERSION: 0x80047601,
  FS_IOC_GETFSLABEL: 0x81009431,
  FICLONE: 0x40049409,
  FICLONERANGE: 0x4020940d,
  /** Of /proc/PID/maps: mappings, one by one. Told to whoever may read the file. */
  PROCMAP_QUERY: 0xc0686611,
  LOOP_GET_STATUS: 0x4c03,
  LOOP_GET_STATUS64: 0x4c05,
} as const;

/**
 * Of /proc/PID/pagemap, by a descriptor open for reading: finds pages, and may protect those that a userfaultfd(2) watches,
 * of whatever process may be looked into (ptrace(2), PTRACE_MODE_READ).
 */
export const PAGEMAP_SCAN = 0xc0606610;
