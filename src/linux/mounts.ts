/** Mounts of this process (proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';
import { fileSystemType } from './files.ts';

/**
 * File systems that are interfaces of the kernel, and their magic numbers (statfs(2)): who writes to a file there makes the kernel
 * do something (proc(5), sysfs(5), cgroups(7)).
 */
const INTERFACES: Readonly<Record<string, number>> = {
  proc: 0x9fa0,
  sysfs: 0x6265_6572,
  cgroup: 0x0027_e0eb,
  cgroup2: 0x6367_7270,
  debugfs: 0x6462_6720,
  tracefs: 0x7472_6163,
  securityfs: 0x7363_6673,
  configfs: 0x6265_6570,
  bpf: 0xcafe_4a11,
  efivarfs: 0xde5e_81e4,
  pstore: 0x6165_676c,
  binfmt_misc: 0x4249_4e4d,
  fusectl: 0x6573_5543,
  resctrl: 0x0765_5821,
  selinuxfs: 0xf97c_ff8c,
  smackfs: 0x4341_5d53,
  nfsd: 0x6e66_7364,
  xenfs: 0xabba_1974,
  rpc_pipefs: 0x6759_6969,
  functionfs: 0x0a64_7361,
  ocfs2_dlmfs: 0x76a9_f425,
};
/** How they are called in the table of mounts. */
export const INTERFACE_TYPES: readonly string[] = Object.keys(INTERFACES);
const MAGIC_NUMBERS = new Set(Object.values(INTERFACES));

/** Whether an open file (O_PATH will do) lies in such a file system. True also where that cannot be found out. */
export function isInInterface(descriptor: number): boolean {
  const type = fileSystemType(descriptor);
  return type < 0 || MAGIC_NUMBERS.has(type);
}

const ESCAPE_PATTERN = /\\([0-7]{3})/g;

/**
 * Where such file systems are mounted: absolute paths in bytes. The kernel escapes blanks, line breaks and backslashes in them, so
 * that no name forges a line. Throws Node's error where the table cannot be read.
 */
export function interfaceMounts(): Buffer[] {
  return parseInterfaceMounts(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** @param table bytes as characters (latin1) */
export function parseInterfaceMounts(table: string): Buffer[] {
  return table.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2);
    const mountPoint = before.split(' ', 5)[4];
    const type = after.split(' ', 1)[0] ?? '';
    return mountPoint !== undefined && type in INTERFACES ? [unescaped(mountPoint)] : [];
  });
}

function unescaped(text: string): Buffer {
  const bytes = text.replaceAll(ESCAPE_PATTERN, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}
