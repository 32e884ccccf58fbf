/** Errors of calls on mounts (umount(2), open_tree(2), mount_setattr(2)) that come before CAP_SYS_ADMIN is asked for. */
import { Errno } from '../../linux/errno.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_CLOEXEC } from '../../linux/files.ts';
import type { Referral } from '../referral.ts';
import type { Members } from '../target/members.ts';
import { pathError } from './paths.ts';

/** MNT_FORCE, MNT_DETACH, MNT_EXPIRE and UMOUNT_NOFOLLOW (umount(2)). */
const UMOUNT_FLAGS = 0xf;
const UMOUNT_NOFOLLOW = 8;
const AT_NO_AUTOMOUNT = 0x800;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const PLACE_FLAGS = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;
/** struct mount_attr in its first version, and the longest of any. */
const SIZE_VER0 = 32n;
const PAGE = 4096n;

export function umountError(referral: Referral, members: Members): number | undefined {
  const flags = referral.int(1);
  if ((flags & ~UMOUNT_FLAGS) !== 0) return Errno.EINVAL;
  return pathError(referral, members, { index: 0, follow: (flags & UMOUNT_NOFOLLOW) === 0 });
}

export function openTreeError(referral: Referral, members: Members): number | undefined {
  const flags = referral.uint(2);
  if ((flags & ~(PLACE_FLAGS | OPEN_TREE_CLONE | O_CLOEXEC)) !== 0) return Errno.EINVAL;
  const isCopy = (flags & OPEN_TREE_CLONE) !== 0;
  if ((flags & AT_RECURSIVE) !== 0 && !isCopy) return Errno.EINVAL;
  if (isCopy) return undefined;
  return pathError(referral, members, {
    index: 1,
    start: referral.int(0),
    follow: (flags & AT_SYMLINK_NOFOLLOW) === 0,
    mayBeEmpty: (flags & AT_EMPTY_PATH) !== 0,
  });
}

export function openTreeAttributesError(referral: Referral, members: Members): number | undefined {
  const size = referral.long(4);
  const isGiven = referral.pointer(3) !== 0;
  if (!isGiven && size !== 0n) return Errno.EINVAL;
  const isCopy = (referral.uint(2) & OPEN_TREE_CLONE) !== 0;
  return openTreeError(referral, members) ?? (isGiven && !isCopy ? sizeError(size) : undefined);
}

export function mountAttributesError(flags: number, size: bigint): number | undefined {
  return (flags & ~PLACE_FLAGS) !== 0 ? Errno.EINVAL : sizeError(size);
}

function sizeError(size: bigint): number | undefined {
  if (size > PAGE) return Errno.E2BIG;
  return size < SIZE_VER0 ? Errno.EINVAL : undefined;
}
