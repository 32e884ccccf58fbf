/** Mounts of this process (proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';

/**
 * File systems that are interfaces of the kernel: who writes to a file there makes the kernel do something (proc(5), sysfs(5),
 * cgroups(7)).
 */
const INTERFACES = new Set([
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'debugfs',
  'tracefs',
  'securityfs',
  'configfs',
  'bpf',
  'efivarfs',
  'pstore',
  'binfmt_misc',
  'fusectl',
  'resctrl',
  'selinuxfs',
  'smackfs',
  'nfsd',
]);

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
    return mountPoint !== undefined && INTERFACES.has(type) ? [unescaped(mountPoint)] : [];
  });
}

function unescaped(text: string): Buffer {
  const bytes = text.replaceAll(ESCAPE_PATTERN, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}
