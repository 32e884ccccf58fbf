/**
 * System calls and constants by number, x86-64, written down here on their own: a test must not take them from the
 * program it tests.
 */
export const Call = {
  write: 1,
  close: 3,
  ioctl: 16,
  dup2: 33,
  socket: 41,
  bind: 49,
  fcntl: 72,
  truncate: 76,
  ftruncate: 77,
  chdir: 80,
  fchdir: 81,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  creat: 85,
  link: 86,
  unlink: 87,
  symlink: 88,
  chmod: 90,
  fchmod: 91,
  chown: 92,
  fchown: 93,
  lchown: 94,
  utime: 132,
  mknod: 133,
  setxattr: 188,
  lsetxattr: 189,
  fsetxattr: 190,
  removexattr: 197,
  lremovexattr: 198,
  fremovexattr: 199,
  utimes: 235,
  openat: 257,
  mkdirat: 258,
  mknodat: 259,
  fchownat: 260,
  futimesat: 261,
  unlinkat: 263,
  renameat: 264,
  linkat: 265,
  symlinkat: 266,
  fchmodat: 268,
  utimensat: 280,
  renameat2: 316,
  openat2: 437,
  fchmodat2: 452,
  setxattrat: 463,
  removexattrat: 466,
  fileSetattr: 469,
  open: 2,
} as const;

export const Open = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  accessMode3: 3,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  append: 0o2000,
  nonBlock: 0o4000,
  directory: 0o200000,
  noFollow: 0o400000,
  path: 0o10000000,
  temporaryFile: 0o20200000,
} as const;

export const At = {
  cwd: -100,
  noFollow: 0x100,
  removeDirectory: 0x200,
  follow: 0x400,
  emptyPath: 0x1000,
} as const;

export const Rename = { noReplace: 1, exchange: 2, whiteout: 4 } as const;

export const Mode = { fifo: 0o010644, character: 0o020644, regular: 0o100644 } as const;

/** linux/fs.h: the ioctl numbers of chattr. */
export const FS_IOC_SETFLAGS = 0x40086602;
export const FS_IOC_FSSETXATTR = 0x401c5820;

export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOTTY: 25,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOPNOTSUPP: 95,
} as const;
