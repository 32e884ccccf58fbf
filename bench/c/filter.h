/* The filter of both minimal loops: it refers what our own program refers of the measured calls, and no more. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define NUMBER offsetof(struct seccomp_data, nr)
#define ARGUMENT(n) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n)))
/* Access mode, O_CREAT, O_TRUNC, and the bit of O_TMPFILE that is not O_DIRECTORY. */
#define WRITING (03 | 0100 | 01000 | 020000000)

#define REFER_ALWAYS(call, action)                                   \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                 \
      BPF_STMT(BPF_RET | BPF_K, (action))

#define REFER_WRITING(call, argument, action)                        \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 4),                 \
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(argument)),        \
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, WRITING, 0, 1),           \
      BPF_STMT(BPF_RET | BPF_K, (action)),                           \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define FILTER(action)                                               \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),                        \
      REFER_WRITING(SYS_open, 1, action), REFER_WRITING(SYS_openat, 2, action), \
      REFER_ALWAYS(SYS_creat, action), REFER_ALWAYS(SYS_mkdir, action),         \
      REFER_ALWAYS(SYS_mkdirat, action), REFER_ALWAYS(SYS_rmdir, action),       \
      REFER_ALWAYS(SYS_unlink, action), REFER_ALWAYS(SYS_unlinkat, action),     \
      REFER_ALWAYS(SYS_rename, action), REFER_ALWAYS(SYS_renameat, action),     \
      REFER_ALWAYS(SYS_renameat2, action), REFER_ALWAYS(SYS_chmod, action),     \
      REFER_ALWAYS(SYS_fchmodat, action), REFER_ALWAYS(SYS_connect, action),    \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Which argument holds the path. */
static int path_argument(int number) {
  switch (number) {
  case SYS_openat:
  case SYS_mkdirat:
  case SYS_unlinkat:
  case SYS_renameat:
  case SYS_renameat2:
  case SYS_fchmodat:
  case SYS_connect:
    return 1;
  default:
    return 0;
  }
}
