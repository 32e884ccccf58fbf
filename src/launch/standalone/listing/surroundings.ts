/**
 * The ruleset, the terminals, and what is mounted: where interfaces of the kernel are (mounts.ts).
 *
 *   r13  the ruleset    r15  how many places are known to be such    r12  where the table of mounts ends
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const SURROUNDINGS = `
ruleset:     48 8d 7b 58                   | lea rdi, [rbx+0x58]               |
             be 18 00 00 00                | mov esi, 0x18                     |
             31 d2                         | xor edx, edx                      |
             b8 bc 01 00 00                | mov eax, 0x1bc                    |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 31 04 00 00             | js failed                         |
             41 89 c5                      | mov r13d, eax                     | the ruleset
             f6 43 48 02                   | test BYTE PTR [rbx+0x48], 0x2     | the terminals that are handed down stay writable
             74 61                         | je mounts                         |
             45 31 f6                      | xor r14d, r14d                    |
terminal:    44 89 f7                      | mov edi, r14d                     |
             be 32 54 04 80                | mov esi, 0x80045432               | TIOCGDEV
             ba 00 00 00 20                | mov edx, 0x20000000               |
             b8 10 00 00 00                | mov eax, 0x10                     | ioctl(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             75 3d                         | jne other                         |
             44 89 f7                      | mov edi, r14d                     |
             be 00 05 00 20                | mov esi, 0x20000500               |
             b8 05 00 00 00                | mov eax, 0x5                      | fstat(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             75 2a                         | jne other                         |
             8b 04 25 00 00 00 20          | mov eax, DWORD PTR ds:0x20000000  |
             48 3b 04 25 28 05 00 20       | cmp rax, QWORD PTR ds:0x20000528  | not by a name that means a terminal which changes
             75 19                         | jne other                         |
             48 8b 43 70                   | mov rax, QWORD PTR [rbx+0x70]     |
             48 89 04 25 00 04 00 20       | mov QWORD PTR ds:0x20000400, rax  |
             44 89 34 25 08 04 00 20       | mov DWORD PTR ds:0x20000408, r14d |
             e8 c1 05 00 00                | call rule                         |
other:       41 ff c6                      | inc r14d                          |
             41 83 fe 03                   | cmp r14d, 0x3                     |
             75 a2                         | jne terminal                      |
mounts:      f6 43 48 04                   | test BYTE PTR [rbx+0x48], 0x4     | changes are allowed somewhere: what is mounted, and where this program lies
             0f 84 63 01 00 00             | je paths                          |
             48 8b bb 80 00 00 00          | mov rdi, QWORD PTR [rbx+0x80]     |
             be 00 06 00 20                | mov esi, 0x20000600               |
             ba ff 0f 00 00                | mov edx, 0xfff                    |
             b8 59 00 00 00                | mov eax, 0x59                     | readlink(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 94 03 00 00             | js unread                         |
             48 8b bb 88 00 00 00          | mov rdi, QWORD PTR [rbx+0x88]     |
             be 00 00 08 00                | mov esi, 0x80000                  | O_RDONLY | O_CLOEXEC
             b8 02 00 00 00                | mov eax, 0x2                      | open(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 79 03 00 00             | js unread                         |
             41 89 c6                      | mov r14d, eax                     |
             41 bc 00 ed 13 20             | mov r12d, 0x2013ed00              |
table:       44 89 f7                      | mov edi, r14d                     |
             4c 89 e6                      | mov rsi, r12                      |
             ba 00 ed 23 20                | mov edx, 0x2023ed00               |
             29 f2                         | sub edx, esi                      |
             0f 84 22 03 00 00             | je crowded                        | longer than there is room for
             31 c0                         | xor eax, eax                      | read(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 51 03 00 00             | js unread                         |
             74 05                         | je read                           |
             49 01 c4                      | add r12, rax                      |
             eb da                         | jmp table                         |
read:        44 89 f7                      | mov edi, r14d                     |
             b8 03 00 00 00                | mov eax, 0x3                      | close(2)
             0f 05                         | syscall                           |
             48 8b 83 90 00 00 00          | mov rax, QWORD PTR [rbx+0x90]     | usual ones, mounted or not
             48 89 04 25 00 69 00 20       | mov QWORD PTR ds:0x20006900, rax  |
             48 8b 83 98 00 00 00          | mov rax, QWORD PTR [rbx+0x98]     |
             48 89 04 25 08 69 00 20       | mov QWORD PTR ds:0x20006908, rax  |
             41 bf 02 00 00 00             | mov r15d, 0x2                     | how many there are
             be 00 ed 13 20                | mov esi, 0x2013ed00               |
line:        80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             0f 84 ad 00 00 00             | je around                         |
             b9 04 00 00 00                | mov ecx, 0x4                      | the fifth field is the place (proc_pid_mountinfo(5))
field:       ac                            | lods al, BYTE PTR ds:[rsi]        |
             3c 20                         | cmp al, 0x20                      |
             75 fb                         | jne field                         |
             ff c9                         | dec ecx                           |
             75 f7                         | jne field                         |
             49 89 f0                      | mov r8, rsi                       |
             48 89 f7                      | mov rdi, rsi                      |
place:       ac                            | lods al, BYTE PTR ds:[rsi]        |
             3c 20                         | cmp al, 0x20                      |
             74 29                         | je placed                         |
             3c 5c                         | cmp al, 0x5c                      | three octal digits
             75 22                         | jne plain                         |
             0f b6 06                      | movzx eax, BYTE PTR [rsi]         |
             83 e0 07                      | and eax, 0x7                      |
             c1 e0 03                      | shl eax, 0x3                      |
             0f b6 56 01                   | movzx edx, BYTE PTR [rsi+0x1]     |
             83 e2 07                      | and edx, 0x7                      |
             09 d0                         | or eax, edx                       |
             c1 e0 03                      | shl eax, 0x3                      |
             0f b6 56 02                   | movzx edx, BYTE PTR [rsi+0x2]     |
             83 e2 07                      | and edx, 0x7                      |
             09 d0                         | or eax, edx                       |
             48 83 c6 03                   | add rsi, 0x3                      |
plain:       aa                            | stos BYTE PTR es:[rdi], al        |
             eb d2                         | jmp place                         |
placed:      c6 07 00                      | mov BYTE PTR [rdi], 0x0           |
hyphen:      8b 06                         | mov eax, DWORD PTR [rsi]          |
             48 ff c6                      | inc rsi                           |
             25 ff ff ff 00                | and eax, 0xffffff                 |
             3d 20 2d 20 00                | cmp eax, 0x202d20                 | " - ", before the type
             75 ef                         | jne hyphen                        |
             48 83 c6 02                   | add rsi, 0x2                      |
             48 8b bb a0 00 00 00          | mov rdi, QWORD PTR [rbx+0xa0]     |
type:        80 3f 00                      | cmp BYTE PTR [rdi], 0x0           |
             74 3d                         | je known                          |
             48 89 f2                      | mov rdx, rsi                      |
same:        8a 07                         | mov al, BYTE PTR [rdi]            |
             48 ff c7                      | inc rdi                           |
             84 c0                         | test al, al                       |
             74 14                         | je ended                          |
             3a 02                         | cmp al, BYTE PTR [rdx]            |
             75 05                         | jne differs                       |
             48 ff c2                      | inc rdx                           |
             eb ee                         | jmp same                          |
differs:     8a 07                         | mov al, BYTE PTR [rdi]            |
             48 ff c7                      | inc rdi                           |
             84 c0                         | test al, al                       |
             75 f7                         | jne differs                       |
             eb db                         | jmp type                          |
ended:       80 3a 20                      | cmp BYTE PTR [rdx], 0x20          |
             75 d6                         | jne type                          |
             4e 89 04 fd 00 69 00 20       | mov QWORD PTR [r15*8+0x20006900], r8 |
             41 ff c7                      | inc r15d                          |
             41 81 ff 00 10 00 00          | cmp r15d, 0x1000                  |
             0f 84 30 02 00 00             | je crowded                        |
known:       ac                            | lods al, BYTE PTR ds:[rsi]        |
             3c 0a                         | cmp al, 0xa                       |
             75 fb                         | jne known                         |
             e9 4a ff ff ff                | jmp line                          |
around:      f6 43 48 08                   | test BYTE PTR [rbx+0x48], 0x8     | files are not restricted: all but the interfaces of the kernel
             74 0a                         | je paths                          |
             bf 00 28 00 20                | mov edi, 0x20002800               |
             e8 63 04 00 00                | call tree                         |
`;
