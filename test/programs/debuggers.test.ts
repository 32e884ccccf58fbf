/**
 * Programs that need calls which are dangerous elsewhere: debuggers, and run-time systems with threads of their own.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';

import { backings } from '../support/backing.ts';
import { testEngine, who } from '../support/environment.ts';
import { landlockVersion } from '../support/native.ts';
import { run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function has(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

const GO = `package main
import ("fmt"; "os"; "os/exec"; "sync")
func main() {
  var group sync.WaitGroup
  for n := 0; n < 50; n++ { group.Add(1); go func() { defer group.Done(); os.WriteFile(fmt.Sprint("made", n), []byte("x"), 0o644) }() }
  group.Wait()
  out, _ := exec.Command("sh", "-c", "ls | grep -c made").Output()
  err := os.WriteFile("../outside", []byte("x"), 0o644)
  fmt.Print(string(out), os.IsPermission(err), "\\n")
}`;

/** Built once: that takes longer than all that is tried with it, as the cache is empty. */
let goProgram: Promise<string> | undefined;
const goFolder = temporaryDirectory({ after });

async function buildGo(): Promise<string> {
  writeFileSync(join(goFolder, 'main.go'), GO);
  const { code, stderr } = await run(['go', 'build', '-o', 'program', 'main.go'], {
    cwd: goFolder,
    env: { GOCACHE: join(goFolder, 'cache'), GO111MODULE: 'off', GOTOOLCHAIN: 'local' },
    timeout: 240_000,
  });
  assert.equal(code, 0, stderr);
  return join(goFolder, 'program');
}

const JAVA = `import java.nio.file.*;
public class Main { public static void main(String[] a) throws Exception {
  Thread[] ts = new Thread[8];
  for (int i = 0; i < 8; i++) { int n = i; ts[i] = new Thread(() -> { try { Files.writeString(Path.of("made" + n), "x"); } catch (Exception e) { throw new RuntimeException(e); } }); ts[i].start(); }
  for (Thread t : ts) t.join();
  boolean refused = false;
  try { Files.writeString(Path.of("../outside"), "x"); } catch (FileSystemException e) { refused = true; }
  System.out.println(new java.io.File(".").list((d, n) -> n.startsWith("made")).length + " " + refused);
} }`;

for (const backing of backings) {
  void test(`a Go program with goroutines, ${backing.name} (${who})`, async (t) => {
    if (!has('go')) return t.skip('go is not installed');
    const program = await (goProgram ??= buildGo());
    const root = temporaryDirectory(t);
    mkdirSync(join(root, 'a'));
    const words = [`--write-allow=${join(root, 'a')}`, '--', program];
    const { code, stdout } = await secfilt(words, { cwd: join(root, 'a'), env: backing.env });
    assert.deepEqual([code, stdout], [0, '50\ntrue\n']);
    assert.ok(!existsSync(join(root, 'outside')));
  });

  void test(`a Java program with threads, ${backing.name} (${who})`, async (t) => {
    if (!has('java') || !has('javac')) return t.skip('no Java development kit is installed');
    const root = temporaryDirectory(t);
    mkdirSync(join(root, 'a'));
    writeFileSync(join(root, 'Main.java'), JAVA);
    const built = await run(['javac', 'Main.java'], { cwd: root, timeout: 120_000 });
    assert.equal(built.code, 0, built.stderr);
    const words = [
      `--write-allow=${join(root, 'a')}`,
      '--',
      'java',
      '-Xshare:auto',
      '-XX:-UsePerfData',
      '-cp',
      root,
      'Main',
    ];
    const outcome = await secfilt(words, { cwd: join(root, 'a'), env: backing.env });
    assert.deepEqual([outcome.code, outcome.stdout], [0, '8 true\n'], JSON.stringify(outcome));
    assert.ok(!existsSync(join(root, 'outside')));
  });

  const traceable = backing.landlock && testEngine !== 'trace' && landlockVersion() > 0;
  void test(`strace ${traceable ? 'works' : 'is refused'}, ${backing.name} (${who})`, async (t) => {
    if (!has('strace')) return t.skip('strace is not installed');
    const traced = await secfilt(
      ['--read-only', '--', 'strace', '-f', '-e', 'trace=mkdir', 'mkdir', '/made-by-a-test'],
      { env: backing.env },
    );
    assert.ok(!existsSync('/made-by-a-test'));
    if (traceable) assert.match(traced.stderr, /mkdir\("\/made-by-a-test", 0777\) *= -1 E(PERM|ACCES)/);
    else assert.match(traced.stderr, /Operation not permitted/);
  });

  void test(`gdb ${traceable ? 'works' : 'is refused'}, ${backing.name} (${who})`, async (t) => {
    if (!has('gdb')) return t.skip('gdb is not installed');
    const commands = ['starti', 'x/i $pc', 'continue'].flatMap((command) => ['-ex', command]);
    const { stdout, stderr } = await secfilt(
      ['--read-only', '--', 'gdb', '-nx', '-q', '-batch', ...commands, '--args', '/bin/sh', '-c', 'exit 3'],
      { env: backing.env },
    );
    const words = `${stdout}${stderr}`;
    // It reads memory, then sees the end.
    if (traceable) assert.match(words, /=> 0x[0-9a-f]+.*exited with code 03/s);
    else assert.match(words, /Operation not permitted/);
  });
}
