/**
 * The machine code of the launcher (x86-64): it walks a table of system calls.
 *
 * It keeps everything in registers and touches no stack but to read where the kernel put the environment and where a row says
 * so, so a task that clone(2) starts without a stack of its own can walk on in the same table.
 *
 *   r12  the row at hand        r13  the environment (envp)        r14  the stack as execve(2) left it: argc, then argv
 *   r15  where a failure went on        rcx, r11  clobbered by every system call
 */
import { listingBytes, readListing, type Instruction } from './listing.ts';

/** Where the fields of a row are, in bytes. */
export const RowField = {
  number: 0, // u32: the system call
  flags: 4, // u32: RowFlag
  tolerate: 8, // u32: the errno that is no failure; TOLERATE_ALL: none is; 0: each is
  report: 12, // u32: the descriptor that is told of a failure
  id: 16, // u32: the row's name in that report …
  failure: 20, // i32: … and the result, which together are the record
  result: 24, // u64: the address where the low 32 bits of the result go; 0: nowhere
  onZero: 32, // u64: the address of the row to go on at when the result is 0; 0: the next one
  arguments: 40, // u64 × 6
} as const;

export const ROW_SIZE = 88;

export const RowFlag = {
  stopAtZero: 1, // a result of 0 is a failure: read(2) at the end of a socket
  environment: 2, // the third argument is the environment this program was started with
  stack: 4, // the second argument counts from where argc is, behind which argv begins
  store: 8, // no system call: the first argument is stored at the address that the second one is
} as const;

export const TOLERATE_ALL = 0xffffffff;

/** The size of the record that a failing row leaves: u32 id, i32 result. */
export const RECORD_SIZE = 8;

/** The exit code after a failing row. */
export const STOP_CODE = 125;

// label: bytes | what they do, as `objdump -M intel` words it | why
const LISTING = `
start:      4c 8b 25 e1 00 00 00  | mov r12, QWORD PTR [rip+0xe1]     | the first row: the cell behind the code
            49 89 e6              | mov r14, rsp                      | where execve(2) leaves argc and argv
            48 8b 0c 24           | mov rcx, QWORD PTR [rsp]          | argc
            4c 8d 6c cc 10        | lea r13, [rsp+rcx*8+0x10]         | envp: behind argc, argv and its null
row:        49 8b 7c 24 28        | mov rdi, QWORD PTR [r12+0x28]     | arguments
            49 8b 74 24 30        | mov rsi, QWORD PTR [r12+0x30]     |
            41 f6 44 24 04 04     | test BYTE PTR [r12+0x4], 0x4      | flag stack
            74 03                 | je call                           |
            4c 01 f6              | add rsi, r14                      |
call:       41 f6 44 24 04 08     | test BYTE PTR [r12+0x4], 0x8      | flag store
            0f 85 8b 00 00 00     | jne store                         |
            41 8b 04 24           | mov eax, DWORD PTR [r12]          | number
            49 8b 54 24 38        | mov rdx, QWORD PTR [r12+0x38]     |
            4d 8b 54 24 40        | mov r10, QWORD PTR [r12+0x40]     |
            4d 8b 44 24 48        | mov r8, QWORD PTR [r12+0x48]      |
            4d 8b 4c 24 50        | mov r9, QWORD PTR [r12+0x50]      |
            41 f6 44 24 04 02     | test BYTE PTR [r12+0x4], 0x2      | flag environment
            49 0f 45 d5           | cmovne rdx, r13                   |
            0f 05                 | syscall                           |
            49 8b 4c 24 18        | mov rcx, QWORD PTR [r12+0x18]     | result
            48 85 c9              | test rcx, rcx                     |
            74 02                 | je judge                          |
            89 01                 | mov DWORD PTR [rcx], eax          |
judge:      48 85 c0              | test rax, rax                     |
            74 5b                 | je zero                           |
            79 73                 | jns next                          |
            41 8b 4c 24 08        | mov ecx, DWORD PTR [r12+0x8]      | tolerate
            83 f9 ff              | cmp ecx, 0xffffffff               |
            74 69                 | je next                           |
            01 c1                 | add ecx, eax                      | errno and its negative make 0
            74 65                 | je next                           |
stop:       41 89 44 24 14        | mov DWORD PTR [r12+0x14], eax     | complete the record …
            41 8b 7c 24 0c        | mov edi, DWORD PTR [r12+0xc]      |
            49 8d 74 24 10        | lea rsi, [r12+0x10]               |
            ba 08 00 00 00        | mov edx, 0x8                      |
            b8 01 00 00 00        | mov eax, 0x1                      | … and write(2) it
            0f 05                 | syscall                           |
            48 8b 0d 55 00 00 00  | mov rcx, QWORD PTR [rip+0x55]     | where the row is named that a failure goes on at
            48 85 c9              | test rcx, rcx                     |
            74 13                 | je exit                           |
            48 8b 09              | mov rcx, QWORD PTR [rcx]          |
            4c 39 f9              | cmp rcx, r15                      | it has failed itself
            74 0b                 | je exit                           |
            49 89 cf              | mov r15, rcx                      |
            49 89 cc              | mov r12, rcx                      |
            e9 60 ff ff ff        | jmp row                           |
exit:       bf 7d 00 00 00        | mov edi, 0x7d                     | STOP_CODE
            b8 e7 00 00 00        | mov eax, 0xe7                     | exit_group(2)
            0f 05                 | syscall                           |
store:      48 89 3e              | mov QWORD PTR [rsi], rdi          | a row that stores is no call
            eb 1a                 | jmp next                          |
zero:       49 8b 4c 24 20        | mov rcx, QWORD PTR [r12+0x20]     | onZero
            48 85 c9              | test rcx, rcx                     |
            74 08                 | je unbranched                     |
            49 89 cc              | mov r12, rcx                      |
            e9 3d ff ff ff        | jmp row                           |
unbranched: 41 f6 44 24 04 01     | test BYTE PTR [r12+0x4], 0x1      | flag stopAtZero
            75 9b                 | jne stop                          |
next:       49 83 c4 58           | add r12, 0x58                     | ROW_SIZE
            e9 2c ff ff ff        | jmp row                           |
`;

/** The launcher's code. */
export const CODE: Buffer = listingBytes(LISTING);

/** The listing, a line each. */
export function instructions(): Instruction[] {
  return readListing(LISTING);
}

/** Where the code looks for the address of the first row, in bytes from its own start. */
export const TABLE_CELL: number = (CODE.length + 7) & ~7;

/**
 * Where it looks for the place (0: none) that holds the address of the row to go on at, once, after a row has failed and
 * said so. Rows may store another there (0: the program ends).
 */
export const FAILURE_CELL: number = TABLE_CELL + 8;
