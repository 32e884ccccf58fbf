/*
 * `ptrace-loop COMMAND…`: the least that a supervisor on SECCOMP_RET_TRACE can do and still read the path: wait, ask for
 * the call and its arguments, read memory, go on. It decides nothing: it is the floor of the mechanism.
 */
#define _GNU_SOURCE
#include "filter.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* <linux/ptrace.h> and <sys/ptrace.h> do not go together in every libc. */
struct call_information {
  uint8_t kind, padding[3];
  uint32_t architecture;
  uint64_t instruction_pointer, stack_pointer;
  uint64_t number, arguments[6];
  uint32_t data;
};

static void fail(const char *what) {
  perror(what);
  exit(125);
}

static void run_target(char **argv) {
  struct sock_filter filter[] = {FILTER(SECCOMP_RET_TRACE)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  raise(SIGSTOP);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) fail("seccomp");
  execvp(argv[0], argv);
  perror(argv[0]);
  _exit(127);
}

static void look_at_call(pid_t tid) {
  static char path[4096];
  struct call_information call;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof call, &call) <= 0) return;
  uint64_t address = call.arguments[path_argument((int)call.number)];
  struct iovec local = {path, sizeof path};
  struct iovec remote = {(void *)(uintptr_t)address, 4096 - address % 4096};
  (void)!process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

int main(int argc, char **argv) {
  if (argc < 2) return 125;
  pid_t child = fork();
  if (child == 0) run_target(argv + 1);
  int status;
  if (waitpid(child, &status, WUNTRACED) < 0) fail("waitpid");
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, child, 0, options) != 0) fail("seize");
  kill(child, SIGCONT);

  unsigned long referred = 0;
  int result = 125;
  for (pid_t tid; (tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
    if (tid < 0) continue;
    if (!WIFSTOPPED(status)) {
      if (tid == child) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    int event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP) {
      referred += 1;
      look_at_call(tid);
    }
    if (event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
      ptrace(PTRACE_LISTEN, tid, 0, 0);
      continue;
    }
    ptrace(PTRACE_CONT, tid, 0, (void *)(long)(event == 0 ? WSTOPSIG(status) : 0));
  }
  if (getenv("LOOP_COUNT") != NULL) fprintf(stderr, "referred %lu\n", referred);
  return result;
}
