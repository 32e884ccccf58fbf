/** Flags of clone(2) that the filter and the supervisor tell apart (include/uapi/linux/sched.h). */

export const CLONE_FILES = 0x400;
export const CLONE_THREAD = 0x1_0000;
export const CLONE_UNTRACED = 0x0080_0000;
/** Every CLONE_NEW* that clone(2) reads. */
export const CLONE_NEW = 0x7e02_0000;
