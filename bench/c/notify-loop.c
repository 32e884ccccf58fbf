/*
 * `notify-loop COMMAND…`: the least that a supervisor on SECCOMP_RET_USER_NOTIF can do and still read the path: poll,
 * receive, read memory, ask whether the call still waits, go on. It decides nothing: it is the floor of the mechanism.
 */
#define _GNU_SOURCE
#include "filter.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

static void fail(const char *what) {
  perror(what);
  exit(125);
}

union control {
  char bytes[CMSG_SPACE(sizeof(int))];
  struct cmsghdr align;
};

static void send_descriptor(int socket, int fd) {
  union control control = {0};
  char byte = 0;
  struct iovec vector = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket, &message, 0) < 0) fail("sendmsg");
}

static int receive_descriptor(int socket) {
  union control control = {0};
  char byte;
  struct iovec vector = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  int fd;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || CMSG_FIRSTHDR(&message) == NULL) exit(125);
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void run_target(int socket, char **argv) {
  struct sock_filter filter[] = {FILTER(SECCOMP_RET_USER_NOTIF)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) fail("seccomp");
  send_descriptor(socket, listener);
  close(listener);
  close(socket);
  execvp(argv[0], argv);
  perror(argv[0]);
  _exit(127);
}

int main(int argc, char **argv) {
  int pair[2];
  if (argc < 2 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) fail("socketpair");
  pid_t child = fork();
  if (child == 0) run_target(pair[1], argv + 1);
  close(pair[1]);
  int listener = receive_descriptor(pair[0]);
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);

  static char path[4096];
  unsigned long referred = 0;
  struct pollfd set = {listener, POLLIN, 0};
  while (poll(&set, 1, -1) >= 0 || errno == EINTR) {
    if ((set.revents & POLLIN) == 0) {
      if (set.revents != 0) break;
      continue;
    }
    struct seccomp_notif notification = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) continue;
    struct iovec local = {path, sizeof path};
    uint64_t address = notification.data.args[path_argument(notification.data.nr)];
    struct iovec remote = {(void *)(uintptr_t)address, 4096 - address % 4096};
    struct seccomp_notif_resp response = {.id = notification.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (process_vm_readv((pid_t)notification.pid, &local, 1, &remote, 1, 0) <= 0) {
      response.flags = 0;
      response.error = -EFAULT;
    }
    referred += 1;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notification.id) != 0) continue;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }
  if (getenv("LOOP_COUNT") != NULL) fprintf(stderr, "referred %lu\n", referred);
  int status;
  if (waitpid(child, &status, 0) < 0) fail("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
