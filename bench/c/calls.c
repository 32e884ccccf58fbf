/*
 * Times one kind of system call: `calls KIND COUNT DIRECTORY` prints nanoseconds a call, the median of 15 batches;
 * `calls KIND-p99 COUNT DIRECTORY` what 99 of 100 calls do not exceed, each timed by itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 15 };

static const char *self;
static char file[4096], other[4096], directory[4096];
static struct sockaddr_in server;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void call_getppid(void) { syscall(SYS_getppid); }

static void open_close(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) fail(path);
  close(fd);
}

static void call_open_read(void) { open_close(file, O_RDONLY); }
static void call_open_write(void) { open_close(file, O_WRONLY); }

static void call_create_unlink(void) {
  open_close(other, O_WRONLY | O_CREAT | O_EXCL);
  if (unlink(other) != 0) fail("unlink");
}

static void call_mkdir_rmdir(void) {
  if (mkdir(directory, 0755) != 0) fail("mkdir");
  if (rmdir(directory) != 0) fail("rmdir");
}

static void call_rename(void) {
  if (rename(file, other) != 0) fail("rename");
  if (rename(other, file) != 0) fail("rename");
}

static void call_chmod(void) {
  if (chmod(file, 0644) != 0) fail("chmod");
}

static void call_stat(void) {
  struct stat status;
  if (stat(file, &status) != 0) fail("stat");
}

static void call_spawn(void) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    execl(self, self, "nothing", (char *)0);
    _exit(127);
  }
  int status;
  if (waitpid(child, &status, 0) < 0 || status != 0) fail("wait");
}

static void call_connect(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) != 0) fail("connect");
  /* The server closes first, so that no port of ours stays in TIME_WAIT. */
  char byte;
  if (read(fd, &byte, 1) < 0) fail("read");
  close(fd);
}

/* A thread of its own would need no port to be told: the server is a child that is there before the first connect. */
static void serve(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t length = sizeof server;
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)&server, length) != 0 || listen(fd, 64) != 0) fail("listen");
  getsockname(fd, (struct sockaddr *)&server, &length);
  pid_t parent = getpid();
  if (fork() != 0) return;
  /* A sandbox waits for the last of its processes. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (getppid() == parent) {
    int client = accept(fd, NULL, NULL);
    if (client >= 0) close(client);
  }
  _exit(0);
}

static const struct {
  const char *name;
  void (*call)(void);
} kinds[] = {
    {"getppid", call_getppid},       {"open-read", call_open_read},     {"open-write", call_open_write},
    {"create-unlink", call_create_unlink}, {"mkdir-rmdir", call_mkdir_rmdir}, {"rename", call_rename},
    {"chmod", call_chmod},           {"stat", call_stat},               {"spawn", call_spawn},
    {"connect", call_connect},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static void slowest(void (*call)(void), long count) {
  double *times = malloc((size_t)count * sizeof *times);
  if (times == NULL) fail("malloc");
  for (long i = 0; i < count; i++) {
    double start = now();
    call();
    times[i] = now() - start;
  }
  qsort(times, (size_t)count, sizeof *times, ascending);
  printf("%.1f\n", times[count * 99 / 100]);
  free(times);
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 2 && strcmp(argv[1], "nothing") == 0) return 0;
  if (argc != 4) {
    fprintf(stderr, "usage: calls KIND COUNT DIRECTORY\n");
    return 2;
  }
  long count = atol(argv[2]) / BATCHES;
  if (count < 1) count = 1;
  snprintf(file, sizeof file, "%s/calls-%d", argv[3], (int)getpid());
  snprintf(other, sizeof other, "%s/calls-%d-other", argv[3], (int)getpid());
  snprintf(directory, sizeof directory, "%s/calls-%d-directory", argv[3], (int)getpid());
  open_close(file, O_WRONLY | O_CREAT);
  char *suffix = strstr(argv[1], "-p99");
  if (suffix != NULL) *suffix = 0;
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    if (strcmp(argv[1], kinds[kind].name) != 0) continue;
    if (kinds[kind].call == call_connect) serve();
    if (suffix != NULL) {
      slowest(kinds[kind].call, atol(argv[2]));
      unlink(file);
      return 0;
    }
    double batches[BATCHES];
    for (long i = 0; i < count; i++) kinds[kind].call();
    for (int batch = 0; batch < BATCHES; batch++) {
      double start = now();
      for (long i = 0; i < count; i++) kinds[kind].call();
      batches[batch] = (now() - start) / (double)count;
    }
    unlink(file);
    qsort(batches, BATCHES, sizeof *batches, ascending);
    printf("%.1f\n", batches[BATCHES / 2]);
    return 0;
  }
  fprintf(stderr, "calls: no kind %s\n", argv[1]);
  return 2;
}
