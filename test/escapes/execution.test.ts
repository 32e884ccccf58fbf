/**
 * Executing is not restricted, and changes nothing: whatever is executed, however and by whom, stays inside.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest } from '../support/escape.ts';

/** What is executed writes to both places; the shell is one program that everybody has. */
const PROGRAM = String.raw`
SHELL = os.path.realpath('/bin/sh')
WORDS = ['sh', '-c', 'echo x > "$0/a/done"; echo x > "$0/o/f"', ROOT]
words = (ctypes.c_char_p * 5)(*[w.encode() for w in WORDS], None)
nothing = (ctypes.c_char_p * 1)(None)
def execveat(fd, path, flags): return sc(322, fd, path, ctypes.addressof(words), ctypes.addressof(nothing), flags)
def hidden(fd): os.dup2(os.open('/dev/null', os.O_WRONLY), 2); return fd
`;

for (const [how, action] of [
  [
    'from memory, by descriptor',
    "fd = os.memfd_create('x'); os.write(fd, open(SHELL, 'rb').read()); execveat(hidden(fd), '', 0x1000)",
  ],
  [
    "by execveat's directory",
    'execveat(hidden(os.open(os.path.dirname(SHELL), os.O_PATH)), os.path.basename(SHELL), 0)',
  ],
  ['by a name in /proc', "fd = os.open(SHELL, os.O_PATH); hidden(0); os.execv(f'/proc/self/fd/{fd}', WORDS)"],
  [
    'by the dynamic loader',
    String.raw`
    loader = next(line.split()[-1] for line in open('/proc/self/maps') if '/ld-' in line or '/ld.so' in line)
    hidden(0); os.execv(loader, ['ld', SHELL, *WORDS[1:]])`,
  ],
  [
    'by the first line of a script',
    String.raw`
    with open(ROOT + '/a/script', 'w') as f: f.write('#!' + SHELL + '\necho x > "$1/a/done"; echo x > "$1/o/f"\n')
    os.chmod(ROOT + '/a/script', 0o755); hidden(0); os.execv(ROOT + '/a/script', ['script', ROOT])`,
  ],
] as const) {
  attackTest({
    id: 'F36 P20',
    title: `a program is executed ${how}`,
    script: `${PROGRAM}
def run():
    ${action.trim()}
    return 98
print(in_child(run))`,
    inside: ({ a }, outcome) => assert.ok(existsSync(join(a, 'done')), JSON.stringify(outcome)),
  });
}

attackTest({
  id: 'F37',
  title: 'the path of an execve is changed by another thread',
  // Either program may win; both write outside, or try to.
  script: `${PROGRAM}
os.symlink(SHELL, ROOT + '/a/s1'); os.symlink(SHELL, ROOT + '/a/s2')
path = ctypes.create_string_buffer((ROOT + '/a/s1').encode()); at = len(ROOT) + 4
def flip():
    while True: path[at] = b'2'; path[at] = b'1'
def run():
    threading.Thread(target=flip, daemon=True).start(); hidden(0)
    sc(59, ctypes.addressof(path), ctypes.addressof(words), ctypes.addressof(nothing)); return 98
codes = [in_child(run) for _ in range(20)]
print(codes)`,
  inside: ({ a }, outcome) => assert.ok(existsSync(join(a, 'done')), JSON.stringify(outcome)),
});

attackTest({
  id: 'F38',
  title: 'a thread that is not the first executes while others are in the middle of calls',
  script: `${PROGRAM}
def busy(n):
    while True:
        for place in 'ao': sc(83, f'{ROOT}/{place}/d{n}', 0o755); sc(84, f'{ROOT}/{place}/d{n}'); sc(90, f'{ROOT}/{place}/f', 0o644)
def run():
    for n in range(4): threading.Thread(target=busy, args=(n,), daemon=True).start()
    time.sleep(0.05); hidden(0)
    threading.Thread(target=lambda: sc(59, SHELL, ctypes.addressof(words), ctypes.addressof(nothing))).start()
    time.sleep(30); return 98
print([in_child(run) for _ in range(5)])`,
  inside: ({ a }, { stdout }) => {
    assert.ok(existsSync(join(a, 'done')));
    // What a shell says whose last word was refused: none was lost, none was ended.
    assert.match(stdout, /^\[([12], ){4}[12]\]$/m);
  },
});
