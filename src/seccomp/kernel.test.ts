// Asks the running kernel itself, through Python: which programs it takes, and what they do.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { callsFor, callSeed, condition } from './arbitraries.ts';
import type { Instruction } from './bpf.ts';
import { compile, encode } from './compile.ts';
import { allow, errno, kill, when } from './expression.ts';
import { evaluate } from './filter.ts';
import type { Call, Filter } from './filter.ts';
import { run } from './interpret.ts';
import { AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64, lowHalf } from './seccomp-data.ts';
import { verify } from './verify.ts';

/** A number no call has: the kernel answers ENOSYS where a filter allows it. */
const UNUSED_NUMBER = 1000;
const ENOSYS = 38;
const EINVAL = 22;
const ARCHITECTURE = process.arch === 'x64' ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;

/**
 * Reads pairs of a program and the arguments of calls. In a child of its own it installs the program, makes the calls,
 * and prints the error of the installation and those of the calls, or null if the program killed the child.
 */
const PROBE = `
import ctypes, json, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_char_p)]
def error(result):
    return 0 if result == 0 else ctypes.get_errno()
def call(args):
    return error(libc.syscall(ctypes.c_long(${UNUSED_NUMBER}), *map(ctypes.c_long, args)))
def run(code, calls, out):
    program = Program(len(code) // 8, code)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    refusal = error(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))
    answer = {'refusal': refusal, 'errors': [] if refusal else [call(args) for args in calls]}
    os.write(out, json.dumps(answer).encode())
    os._exit(0)
for code, calls in json.load(sys.stdin):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        run(bytes.fromhex(code), calls, theirs)
    os.close(theirs)
    answer = os.read(ours, 65536)
    os.close(ours)
    os.waitpid(child, 0)
    print(answer.decode() or 'null')
`;

interface Question {
  readonly program: readonly Instruction[];
  readonly calls: readonly (readonly bigint[])[];
}

interface Answer {
  readonly refusal: number;
  readonly errors: readonly number[];
}

/** An answer for each question, null where the program killed the child. */
function ask(questions: readonly Question[]): (Answer | null)[] {
  const pairs = questions.map(({ program, calls }) => {
    const args = calls.map((call) => `[${call.join()}]`);
    return `["${encode(program).toString('hex')}", [${args.join()}]]`;
  });
  const options = { input: `[${pairs.join()}]`, encoding: 'utf8' } as const;
  const { stdout, stderr } = spawnSync('python3', ['-c', PROBE], options);
  const lines = (stdout ?? '').trimEnd().split('\n');
  assert.equal(lines.length, questions.length, stderr);
  return JSON.parse(`[${lines.join()}]`);
}

/** Why the kernel cannot be asked here, or false. */
function whyNot(): string | false {
  if (spawnSync('python3', ['--version']).status !== 0) return 'there is no python3';
  const [answer] = ask([{ program: [ALLOW], calls: [[]] }]);
  const works = answer?.refusal === 0 && answer.errors[0] === ENOSYS;
  return works ? false : `seccomp does not work here: ${JSON.stringify(answer)}`;
}

/** An instruction in the order of BPF_STMT and BPF_JUMP of linux/filter.h. */
function op(code: number, k = 0, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k };
}

const ALLOW = op(0x06, 0x7fff0000);
const skip = whyNot();

test('the kernel gives calls the actions of a filter', { skip }, () => {
  const conditions = fc.sample(condition, 40);
  const cases = conditions.map((condition) => {
    const filter: Filter = {
      architecture: ARCHITECTURE,
      calls: new Map([[UNUSED_NUMBER, when(condition, errno(1), errno(2))]]),
      unknown: allow,
      foreignArchitecture: kill,
      x32: kill,
    };
    const calls = callsFor(filter, fc.sample(callSeed(), 40));
    return { filter, calls };
  });
  const answers = ask(
    cases.map(({ filter, calls }) => ({ program: compile(filter), calls: calls.map(({ args }) => args) })),
  );
  for (const [index, { filter, calls }] of cases.entries()) {
    const expected = calls.map((call) => {
      const action = evaluate(filter, { ...call, architecture: ARCHITECTURE, number: UNUSED_NUMBER });
      return action.kind === 'errno' ? action.errno : undefined;
    });
    assert.deepEqual(answers[index], { refusal: 0, errors: expected });
  }
});

test('the kernel refuses what the verifier refuses, and nothing else', { skip }, () => {
  const allowed = [
    [0x20, 0x80, 0x81, 0x00, 0x01, 0x02, 0x02, 0x03, 0x60, 0x61, 0x05, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35],
    [0x3d, 0x45, 0x4d, 0x04, 0x0c, 0x34, 0x3c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0xa4, 0x07, 0x87, 0x06, 0x16],
  ].flat();
  const short = fc.constantFrom(0, 0, 1, 2);
  const k = fc.oneof(fc.constantFrom(0, 0, 1, 2, 4, 15, 16, 31, 32, 60, 64, 0xffffffff), short);
  const likely = fc.record({ code: fc.constantFrom(...allowed), jt: short, jf: short, k });
  const programs = fc.sample(fc.array(likely, { maxLength: 6 }), 400).map((body) => [...body, ALLOW]);
  const singles = Array.from({ length: 256 }, (_, code) => [op(code, 4), ALLOW, ALLOW, ALLOW, ALLOW, ALLOW]);
  const others = [[op(0x115), ALLOW], [op(0x20)], Array.from({ length: 4096 }, () => ALLOW)];
  // What comes behind the first return is checked but not run.
  const questions = [...programs, ...singles, ...others.slice(0, 2)].map((body) => ({
    program: [ALLOW, ...body],
    calls: [],
  }));
  questions.push(
    { program: others[2] ?? [], calls: [] },
    { program: [ALLOW, ...(others[2] ?? [])], calls: [] },
  );
  const answers = ask([...questions, { program: [], calls: [] }]);
  const verdicts = [...questions.map(({ program }) => program), []].map((program) => {
    try {
      verify(program);
      return 0;
    } catch {
      return EINVAL;
    }
  });
  for (const [index, verdict] of verdicts.entries()) {
    assert.equal(answers[index]?.refusal, verdict, JSON.stringify(questions[index]?.program.slice(0, 10)));
  }
  assert.ok(verdicts.filter((verdict) => verdict === 0).length > 50, 'few programs were valid');
});

test('the kernel calculates as the interpreter', { skip }, () => {
  const codes = [0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0xa4].flatMap((code) => [code, code | 0x08]);
  const k = fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constantFrom(1, 0x7fffffff, 0x80000000, 0xffffffff));
  const operation = fc
    .record({
      code: fc.constantFrom(...codes, 0x84, 0x07, 0x87, 0x80, 0x81),
      jt: fc.constant(0),
      jf: fc.constant(0),
      k,
    })
    .map((instruction) => {
      const isShift = instruction.code === 0x64 || instruction.code === 0x74;
      return isShift ? { ...instruction, k: instruction.k & 31 } : instruction;
    });
  const programs = fc.sample(fc.array(operation, { maxLength: 8 }), 300).map((body, index) => [
    op(0x20, 0),
    op(0x15, UNUSED_NUMBER, 1, 0),
    ALLOW,
    op(0x20, lowHalf(1)),
    op(0x07),
    op(0x20, lowHalf(0)),
    ...body,
    // Twelve bits of the result are the error.
    op(0x74, (index % 2) * 20),
    op(0x54, 0xfff),
    op(0x44, 0x50000),
    op(0x16),
  ]);
  const calls: Call['args'][] = [
    [0x89abcdefn, 5n, 0n, 0n, 0n, 0n],
    [5n, 0x89abcdefn, 0n, 0n, 0n, 0n],
    [0xffffffffn, 33n, 0n, 0n, 0n, 0n],
  ];
  const answers = ask(programs.map((program) => ({ program, calls })));
  for (const [index, program] of programs.entries()) {
    const results = calls.map((args) =>
      run(program, { architecture: ARCHITECTURE, number: UNUSED_NUMBER, args }),
    );
    const killed = results.includes(0);
    const expected = killed ? null : { refusal: 0, errors: results.map((result) => result & 0xffff) };
    assert.deepEqual(answers[index], expected, JSON.stringify(program));
  }
});
