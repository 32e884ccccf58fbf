/** A program that executes another while its threads stand in calls that the supervisor performs. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const skip = spawnSync('gcc', ['--version']).status === 0 ? false : 'gcc is not installed';

/** openat2(2) is performed. Which thread executes, and where the first one is meanwhile, changes from one to the next. */
const SOURCE = String.raw`
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static char **words;
static int left;
static void *opens(void *unused) {
  for (;;) {
    unsigned long how[3] = {0, 0, 0};
    long descriptor = syscall(437, -100, "/etc/passwd", how, sizeof how);
    if (descriptor >= 0) close(descriptor);
  }
}
static void *execute(void *unused) {
  char text[16];
  usleep(rand() % 3000);
  sprintf(text, "%d", left - 1);
  execl(words[0], words[0], text, (char *)0);
  _exit(99);
}
int main(int count, char **arguments) {
  words = arguments;
  left = atoi(arguments[1]);
  srand(getpid() + left * 77);
  if (left == 0) { puts("done"); return 7; }
  pthread_t thread;
  for (int index = 0; index < 3; index++) pthread_create(&thread, 0, opens, 0);
  if (left % 3 == 0) execute(0);
  pthread_create(&thread, 0, execute, 0);
  if (left % 3 == 1) opens(0);
  pthread_exit(0);
}`;

for (const { name, options } of engines) {
  for (const backing of backings) {
    void test(
      `execve(2) while threads are in performed calls, ${name} ${backing.name} (${who})`,
      { skip },
      async (t) => {
        const { root, a } = makeGround(t);
        const program = join(root, 'executes');
        writeFileSync(`${program}.c`, SOURCE);
        execFileSync('gcc', ['-O1', '-w', '-pthread', '-o', program, `${program}.c`]);
        chmodSync(root, 0o755);
        const words = [...options, `--write-allow=${a}`, '--', program, '200'];
        const { code, stdout, stderr } = await run(secfiltWords(words), { env: backing.env });
        assert.deepEqual([code, stdout, stderr], [7, 'done\n', '']);
      },
    );
  }
}
