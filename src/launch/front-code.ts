/**
 * The machine code of the front (x86-64; front.ts says what it does). Variables in writable memory and strings are at the
 * addresses of `FrontPlace`.
 *
 *   rbx  argc    rbp  argv    r12  envp    r13  what is left of PATH    r14  whether variables are hidden    r15  our path
 */
import { listingBytes, readListing, type Instruction } from './listing.ts';

/** Where the image has what the code uses. */
export const FrontPlace = {
  code: 0x4000b0,
  strings: 0x400300,
  variables: 0x600000,
  end: 0x606000,
} as const;

// label: bytes | what they do, as `objdump -M intel` words it | why
const LISTING = `
start:       48 8b 1c 24                   | mov rbx, QWORD PTR [rsp]          | argc
             48 85 db                      | test rbx, rbx                     | Linux before 5.18 allows none
             0f 84 d0 01 00 00             | je fail                           |
             48 8d 6c 24 08                | lea rbp, [rsp+0x8]                | argv
             4c 8d 64 dd 08                | lea r12, [rbp+rbx*8+0x8]          | envp: behind argv and its null
             45 31 ed                      | xor r13d, r13d                    | what PATH holds
             41 be 30 00 00 00             | mov r14d, 0x30                    | '1': a variable is hidden
             4c 89 e7                      | mov rdi, r12                      |
variable:    48 8b 37                      | mov rsi, QWORD PTR [rdi]          |
             48 83 c7 08                   | add rdi, 0x8                      |
             48 85 f6                      | test rsi, rsi                     |
             74 41                         | je auxiliary                      |
             81 3e 4e 4f 44 45             | cmp DWORD PTR [rsi], 0x45444f4e   | NODE …
             75 06                         | jne openssl                       |
             80 7e 04 5f                   | cmp BYTE PTR [rsi+0x4], 0x5f      | … _
             74 28                         | je hide                           |
openssl:     48 b8 4f 50 45 4e 53 53 4c 5f | movabs rax, 0x5f4c53534e45504f    | OPENSSL_
             48 39 06                      | cmp QWORD PTR [rsi], rax          |
             74 19                         | je hide                           |
             81 3e 50 41 54 48             | cmp DWORD PTR [rsi], 0x48544150   | PATH …
             75 cf                         | jne variable                      |
             80 7e 04 3d                   | cmp BYTE PTR [rsi+0x4], 0x3d      |
             75 c9                         | jne variable                      |
             4d 85 ed                      | test r13, r13                     | the first one counts, as for getenv(3)
             75 c4                         | jne variable                      |
             4c 8d 6e 05                   | lea r13, [rsi+0x5]                |
             eb be                         | jmp variable                      |
hide:        c6 06 01                      | mov BYTE PTR [rsi], 0x1           | HIDDEN
             41 be 31 00 00 00             | mov r14d, 0x31                    |
             eb b3                         | jmp variable                      |
auxiliary:   48 8b 07                      | mov rax, QWORD PTR [rdi]          | getauxval(3): pairs up to AT_NULL
             48 8b 77 08                   | mov rsi, QWORD PTR [rdi+0x8]      |
             48 83 c7 10                   | add rdi, 0x10                     |
             83 f8 1f                      | cmp eax, 0x1f                     | AT_EXECFN: the path that execve(2) was given
             74 09                         | je named                          |
             85 c0                         | test eax, eax                     |
             75 ec                         | jne auxiliary                     |
             be 25 03 40 00                | mov esi, 0x400325                 |
named:       49 89 f7                      | mov r15, rsi                      |
             bf 07 00 00 00                | mov edi, 0x7                      | RLIMIT_NOFILE
             be 20 00 60 00                | mov esi, 0x600020                 |
             b8 61 00 00 00                | mov eax, 0x61                     | getrlimit(2)
             0f 05                         | syscall                           |
             45 31 c9                      | xor r9d, r9d                      | the ignored signals: bit 0 is signal 1
             41 b8 01 00 00 00             | mov r8d, 0x1                      |
signal:      44 89 c7                      | mov edi, r8d                      |
             31 f6                         | xor esi, esi                      |
             ba 00 00 60 00                | mov edx, 0x600000                 |
             41 ba 08 00 00 00             | mov r10d, 0x8                     |
             b8 0d 00 00 00                | mov eax, 0xd                      | rt_sigaction(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             75 13                         | jne other                         |
             48 83 3c 25 00 00 60 00 01    | cmp QWORD PTR ds:0x600000, 0x1    | SIG_IGN
             75 08                         | jne other                         |
             41 8d 48 ff                   | lea ecx, [r8-0x1]                 |
             41 0f ab c9                   | bts r9d, ecx                      |
other:       41 ff c0                      | inc r8d                           |
             41 83 f8 20                   | cmp r8d, 0x20                     | Node leaves the real-time signals alone
             75 c9                         | jne signal                        |
             be 00 03 40 00                | mov esi, 0x400300                 |
             bf 40 00 60 00                | mov edi, 0x600040                 |
             b9 10 00 00 00                | mov ecx, 0x10                     |
             f3 a4                         | rep movs BYTE PTR es:[rdi], BYTE PTR ds:[rsi]|
             48 8b 04 25 20 00 60 00       | mov rax, QWORD PTR ds:0x600020    |
             e8 04 01 00 00                | call hexadecimal                  |
             4c 89 c8                      | mov rax, r9                       |
             e8 fc 00 00 00                | call hexadecimal                  |
             44 89 f0                      | mov eax, r14d                     |
             aa                            | stos BYTE PTR es:[rdi], al        |
             4c 89 fe                      | mov rsi, r15                      |
             b9 ff 0f 00 00                | mov ecx, 0xfff                    |
name:        ac                            | lods al, BYTE PTR ds:[rsi]        |
             84 c0                         | test al, al                       |
             74 05                         | je noted                          |
             aa                            | stos BYTE PTR es:[rdi], al        |
             ff c9                         | dec ecx                           |
             75 f6                         | jne name                          |
noted:       bf 10 03 40 00                | mov edi, 0x400310                 |
             be 00 20 60 00                | mov esi, 0x602000                 |
             ba 00 10 00 00                | mov edx, 0x1000                   |
             b8 59 00 00 00                | mov eax, 0x59                     | readlink(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 8e a6 00 00 00             | jle fail                          |
             3d 00 10 00 00                | cmp eax, 0x1000                   | cut off
             0f 84 9b 00 00 00             | je fail                           |
             c7 80 00 20 60 00 2e 63 6a 73 | mov DWORD PTR [rax+0x602000], 0x736a632e| .cjs
             48 8d 75 08                   | lea rsi, [rbp+0x8]                | argv moves one down: its null makes room for a variable
             48 89 ef                      | mov rdi, rbp                      |
             48 89 d9                      | mov rcx, rbx                      |
             f3 48 a5                      | rep movs QWORD PTR es:[rdi], QWORD PTR ds:[rsi]|
             48 c7 04 24 00 20 60 00       | mov QWORD PTR [rsp], 0x602000     |
             48 c7 44 24 f8 20 03 40 00    | mov QWORD PTR [rsp-0x8], 0x400320 |
             4c 8d 64 dd 00                | lea r12, [rbp+rbx*8+0x0]          |
             49 c7 04 24 40 00 60 00       | mov QWORD PTR [r12], 0x600040     |
             4d 85 ed                      | test r13, r13                     |
             75 06                         | jne folder                        |
             41 bd 28 03 40 00             | mov r13d, 0x400328                |
folder:      bf 00 40 60 00                | mov edi, 0x604000                 |
             b9 00 10 00 00                | mov ecx, 0x1000                   |
letter:      41 8a 45 00                   | mov al, BYTE PTR [r13+0x0]        |
             84 c0                         | test al, al                       |
             74 0e                         | je whole                          |
             3c 3a                         | cmp al, 0x3a                      |
             74 0a                         | je whole                          |
             49 ff c5                      | inc r13                           |
             e3 ef                         | jrcxz letter                      | no room: the rest is passed over
             aa                            | stos BYTE PTR es:[rdi], al        |
             ff c9                         | dec ecx                           |
             eb ea                         | jmp letter                        |
whole:       e3 2e                         | jrcxz next                        | longer than a path can be (PATH_MAX)
             81 ff 00 40 60 00             | cmp edi, 0x604000                 |
             75 06                         | jne slash                         |
             c6 07 2e                      | mov BYTE PTR [rdi], 0x2e          | an empty one is the working directory
             48 ff c7                      | inc rdi                           |
slash:       c7 07 2f 6e 6f 64             | mov DWORD PTR [rdi], 0x646f6e2f   | /nod …
             66 c7 47 04 65 00             | mov WORD PTR [rdi+0x4], 0x65      | … e
             bf 00 40 60 00                | mov edi, 0x604000                 |
             48 8d 74 24 f8                | lea rsi, [rsp-0x8]                |
             4c 89 e2                      | mov rdx, r12                      |
             b8 3b 00 00 00                | mov eax, 0x3b                     | execve(2), which returns where this one cannot be had
             0f 05                         | syscall                           |
next:        41 8a 45 00                   | mov al, BYTE PTR [r13+0x0]        |
             49 ff c5                      | inc r13                           |
             84 c0                         | test al, al                       |
             75 a5                         | jne folder                        |
fail:        bf 02 00 00 00                | mov edi, 0x2                      |
             be 38 03 40 00                | mov esi, 0x400338                 |
             ba 3e 00 00 00                | mov edx, 0x3e                     |
             b8 01 00 00 00                | mov eax, 0x1                      | write(2)
             0f 05                         | syscall                           |
             bf 7d 00 00 00                | mov edi, 0x7d                     |
             b8 e7 00 00 00                | mov eax, 0xe7                     | exit_group(2)
             0f 05                         | syscall                           |
hexadecimal: b9 10 00 00 00                | mov ecx, 0x10                     | rax at rdi, 16 digits
digit:       48 c1 c0 04                   | rol rax, 0x4                      |
             89 c2                         | mov edx, eax                      |
             83 e2 0f                      | and edx, 0xf                      |
             83 fa 0a                      | cmp edx, 0xa                      |
             72 03                         | jb decimal                        |
             83 c2 27                      | add edx, 0x27                     |
decimal:     83 c2 30                      | add edx, 0x30                     |
             88 17                         | mov BYTE PTR [rdi], dl            |
             48 ff c7                      | inc rdi                           |
             ff c9                         | dec ecx                           |
             75 e3                         | jne digit                         |
             c3                            | ret                               |
`;

export const FRONT_CODE: Buffer = listingBytes(LISTING);

/** The listing, a line each. */
export function frontInstructions(): Instruction[] {
  return readListing(LISTING);
}
