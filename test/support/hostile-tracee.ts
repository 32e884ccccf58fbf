/**
 * A program that does nothing but attack the calls that a tracer has its threads make: it writes over their code, leads them
 * elsewhere by signals and abort handlers (rseq(2)), writes over the memory that they read, and exchanges their descriptors.
 * First it tries the same calls in the open. Words: seconds, a file to open, the directory outside, a process outside, a port.
 */
export const HOSTILE_TRACEE = String.raw`
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

enum { JUMP, SAME_PLACE, ABORT, DESCRIPTORS, MEMORY, SIGNALS, WAYS };
enum { PLACE = 0, DETOUR = 0x40, BACK = 0x80, ABORTED = 0xc0, SYSCALL = 0x050f };
struct call { uint64_t number, arguments[4]; };
struct how { uint64_t flags, mode, resolve; };

static struct { volatile uint64_t number, arguments[4], hits, opens; } *shared;
static unsigned char *code;
static const char *opened;
static int way;
static struct how how;
static volatile uintptr_t page;

static unsigned next(unsigned *state) { return (*state = *state * 1103515245 + 12345) >> 8; }
static void spin(unsigned turns) { for (volatile unsigned i = 0; i < turns; i++); }

static long attempt(void) {
  long result;
  register long size __asm__("r10") = sizeof how;
  __asm__ volatile("call *%1" : "=a"(result) : "r"(code), "a"(SYS_openat2), "D"(AT_FDCWD), "S"(opened), "d"(&how), "r"(size)
                   : "rcx", "r11", "r8", "r9", "r15", "memory");
  return result;
}

static unsigned char *put(unsigned char *at, const char *bytes, int length) { return memcpy(at, bytes, length) + length; }

/* Unless it is the call of attempt() itself: makes the call that shared names, at another place or at the same one. */
static void writeCode(void) {
  uint64_t address = (uint64_t)shared;
  uint32_t own = SYS_openat2;
  put(code, "\x0f\x05\xc3", 3);
  for (int back = 0; back < 2; back++) {
    unsigned char *at = code + (back ? BACK : DETOUR);
    at = put(at, "\x3d", 1), at = put(at, (char *)&own, 4), at = put(at, "\x75\x01\xc3", 3);
    if (back) {
      unsigned char *loop = at; /* until the syscall instruction is there again */
      at = put(at, "\x66\x81\x3d", 3);
      int32_t distance = (int32_t)(code - (at + 6));
      at = put(at, (char *)&distance, 4), at = put(at, "\x0f\x05\x75", 3);
      *at = (unsigned char)(loop - (at + 1)), at++;
    }
    at = put(at, "\x49\xbf", 2), at = put(at, (char *)&address, 8);
    at = put(at, "\x49\x8b\x07\x49\x8b\x7f\x08\x49\x8b\x77\x10\x49\x8b\x57\x18\x4d\x8b\x57\x20", 19);
    if (back) { at = put(at, "\xe9", 1); int32_t distance = (int32_t)(code - (at + 4)); put(at, (char *)&distance, 4); }
    else put(at, "\x0f\x05\x49\xff\x47\x28\xb8\x3c\0\0\0\x31\xff\x0f\x05", 15);
  }
  uint32_t signature = 0x53053053;
  unsigned char *at = put(code + ABORTED, (char *)&signature, 4);
  *at = 0xeb, at[1] = (unsigned char)(DETOUR - (ABORTED + 6));
}

static void *flip(void *unused) {
  unsigned state = 12345 + getpid();
  volatile uint16_t *place = (void *)code;
  for (;;) {
    *place = way == JUMP ? 0x3eeb : 0x7eeb;
    spin(next(&state) % 40000);
    *place = SYSCALL;
    spin(next(&state) % 40000);
  }
}

static void *exchange(void *unused) {
  int pair[2], others[4];
  struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  others[0] = pair[0];
  others[1] = socket(AF_UNIX, SOCK_STREAM, 0);
  others[2] = socket(AF_UNIX, SOCK_DGRAM, 0);
  others[3] = socket(AF_INET, SOCK_STREAM, 0);
  bind(others[2], (void *)&name, sizeof name);
  for (unsigned state = 7;;) {
    int number = 20 + next(&state) % 4;
    if (next(&state) % 2) dup2(others[next(&state) % 4], number);
    else close(number);
  }
}

/* A page of another's address, of a message header's place too. */
static void *scribble(void *path) {
  char bytes[256] = { AF_UNIX, 0 };
  strncpy(bytes + 2, path, 100);
  int source = memfd_create("bytes", 0);
  write(source, bytes, sizeof bytes);
  for (;;) if (page) pread(source, (void *)page, sizeof bytes, 0);
}

static void lead(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  if ((unsigned char *)registers[REG_RIP] == code || (unsigned char *)registers[REG_RIP] == code + 2)
    if (registers[REG_RAX] != SYS_openat2 && registers[REG_RAX] < 0) registers[REG_RIP] = (greg_t)(code + 2);
}

static void *signalAll(void *thread) {
  for (;;) { pthread_kill(*(pthread_t *)thread, SIGUSR1); spin(2000); }
}

static void *opens(void *unused) {
#ifdef RSEQ_SIG
  static struct rseq_cs section __attribute__((aligned(32)));
  section.start_ip = (uintptr_t)code, section.post_commit_offset = 2, section.abort_ip = (uintptr_t)code + ABORTED + 4;
  volatile struct rseq *area = __rseq_size ? (void *)((char *)__builtin_thread_pointer() + __rseq_offset) : 0;
#endif
  for (;;) {
    if (way == MEMORY) {
      void *guess = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      munmap(guess, 4096);
      page = (uintptr_t)guess;
    }
#ifdef RSEQ_SIG
    if (way == ABORT && area) area->rseq_cs = (uintptr_t)&section;
#endif
    long descriptor = attempt();
    if (descriptor >= 0 && descriptor != SYS_openat2) shared->opens++, close((int)descriptor);
  }
}

static void attack(const struct call *call, const char *socketFile) {
  pthread_t victim, other;
  shared->number = call->number;
  for (int i = 0; i < 4; i++) shared->arguments[i] = call->arguments[i];
  for (int i = 3; i < 20; i++) fcntl(0, F_DUPFD, i);
  pthread_create(&victim, 0, opens, 0);
  if (way == JUMP || way == SAME_PLACE) pthread_create(&other, 0, flip, 0);
  if (way == DESCRIPTORS) pthread_create(&other, 0, exchange, 0);
  if (way == MEMORY) pthread_create(&other, 0, scribble, (void *)socketFile);
  if (way == SIGNALS) pthread_create(&other, 0, signalAll, &victim);
  usleep(150000);
  _exit(0);
}

int main(int count, char **words) {
  (void)count;
  opened = words[2];
  const char *out = words[3];
  char victim[256], gone[256], node[256], new[256], socketFile[256];
  snprintf(victim, 256, "%s/f", out), snprintf(gone, 256, "%s/gone", out), snprintf(node, 256, "%s/node", out);
  snprintf(new, 256, "%s/new", out), snprintf(socketFile, 256, "%s/sock", out);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(words[5])), .sin_addr = { htonl(0x7f000001) } };
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  writeCode();
  int internet = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct call calls[] = {
    { SYS_chmod, { (uintptr_t)victim, 0777 } },
    { SYS_unlink, { (uintptr_t)gone } },
    { SYS_kill, { atoi(words[4]), SIGKILL } },
    { SYS_mknod, { (uintptr_t)node, S_IFIFO | 0644 } },
    { SYS_connect, { internet, (uintptr_t)&address, sizeof address } },
    { SYS_open, { (uintptr_t)new, O_CREAT | O_WRONLY, 0644 } },
  };
  enum { CALLS = sizeof calls / sizeof *calls };
  int direct = 0, killed = 0;
  for (int i = 0; i < CALLS; i++) {
    uint64_t *a = calls[i].arguments;
    direct += syscall(calls[i].number, a[0], a[1], a[2], a[3]) >= 0;
  }
  close(internet), internet = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sigaction action = { .sa_flags = SA_SIGINFO, .sa_sigaction = lead };
  sigaction(SIGUSR1, &action, 0);
  time_t end = time(0) + atoi(words[1]);
  for (int round = 0; time(0) < end; round++) {
    way = round % WAYS;
    pid_t child = fork();
    if (child == 0) attack(&calls[round / WAYS % CALLS], socketFile);
    int status;
    waitpid(child, &status, 0);
    killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    *(volatile uint16_t *)code = SYSCALL;
  }
  printf("{\"direct\":%d,\"opens\":%lu,\"killed\":%d}\n", direct, shared->opens, killed);
  return 0;
}
`;
