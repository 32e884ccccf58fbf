/** What may not be read is executed as the interpreter of something else, where the supervisor alone keeps it from being read. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest } from '../support/escape.ts';

const LOADER = '/lib64/ld-linux-x86-64.so.2';

/** Who has a program run can read what the kernel has loaded for it, by debugging it. The kernel tells what that is. */
const RUN = `
import subprocess
def run(path):
    try: said = subprocess.run([path, '/proc/self/maps'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError: return
    if b'/denied' in said: print('LOADED')
`;

/** The last one of them is run. */
const scripts = (mode: string, ...names: readonly string[]): string => `
first = 'denied /proc/self/maps'
for name in ${JSON.stringify(names)}:
    path = ROOT + '/a/' + name
    with open(path, 'w') as file: file.write('#! ' + ROOT + '/a/' + first + '\\n')
    os.chmod(path, ${mode})
    first = name
run(path)
`;

/** A program whose loader is another file: it is named behind all else. */
const program = (elfClass: number): string => `
code = bytearray(open('/bin/cat', 'rb').read())
at, count = struct.unpack_from('Q', code, 32)[0], struct.unpack_from('H', code, 56)[0]
header = next(at + 56 * i for i in range(count) if struct.unpack_from('I', code, at + 56 * i)[0] == 3)
name = (ROOT + '/a/denied').encode() + b'\\0'
struct.pack_into('QQQQQ', code, header + 8, len(code), 0, 0, len(name), len(name))
code[4] = ${elfClass}
with open(ROOT + '/a/program', 'wb') as file: file.write(code + name)
os.chmod(ROOT + '/a/program', 0o755)
run(ROOT + '/a/program')
`;

const ATTACKS: readonly (readonly [of: string, denied: string, script: string])[] = [
  ['a script', '/bin/cat', scripts('0o755', 'script')],
  ["a script's interpreter", '/bin/cat', scripts('0o755', 'script', 'other')],
  ['a script that its owner may not read', '/bin/cat', scripts('0o111', 'script')],
  ['a program', LOADER, program(2)],
  ['a program with the mark of another class', LOADER, program(1)],
];

for (const [of, denied, script] of ATTACKS) {
  for (const place of ['denied', 'den?ed']) {
    attackTest({
      id: 'R8',
      title: `what may not be read (${place}) is loaded as the interpreter of ${of}`,
      script: RUN + script,
      prepare: ({ a }) => {
        copyFileSync(denied, join(a, 'denied'));
        chmodSync(join(a, 'denied'), 0o755);
      },
      policy: ({ a }) => [`--write-allow=${a}`, `--read-deny=${join(a, place)}`],
      worked: (_ground, { stdout }) => stdout.includes('LOADED'),
    });
  }
}
