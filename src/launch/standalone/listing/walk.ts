/**
 * Rules for what is in a directory, around the interfaces of the kernel in it: what is directly on the way to one is left out
 * (ruleset.ts).
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const WALK = `
tree:        55                            | push rbp                          | rdi: where the directory's path ends, which begins at WALK
             41 54                         | push r12                          |
             48 81 ec 10 10 00 00          | sub rsp, 0x1010                   |
             49 89 fc                      | mov r12, rdi                      |
             be 00 28 00 20                | mov esi, 0x20002800               |
             49 39 f4                      | cmp r12, rsi                      |
             48 0f 44 b3 28 01 00 00       | cmove rsi, QWORD PTR [rbx+0x128]  |
             bf 9c ff ff ff                | mov edi, 0xffffff9c               |
             ba 00 00 09 00                | mov edx, 0x90000                  | O_RDONLY | O_DIRECTORY | O_CLOEXEC
             b8 01 01 00 00                | mov eax, 0x101                    | openat(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 d4 00 00 00             | js left                           |
             89 c5                         | mov ebp, eax                      |
entries:     89 ef                         | mov edi, ebp                      |
             48 89 e6                      | mov rsi, rsp                      |
             ba 00 10 00 00                | mov edx, 0x1000                   |
             b8 d9 00 00 00                | mov eax, 0xd9                     | getdents64(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 8e b0 00 00 00             | jle listed                        |
             48 01 e0                      | add rax, rsp                      |
             48 89 84 24 08 10 00 00       | mov QWORD PTR [rsp+0x1008], rax   |
             48 89 a4 24 00 10 00 00       | mov QWORD PTR [rsp+0x1000], rsp   |
entry:       48 8b 94 24 00 10 00 00       | mov rdx, QWORD PTR [rsp+0x1000]   |
             48 3b 94 24 08 10 00 00       | cmp rdx, QWORD PTR [rsp+0x1008]   |
             73 c2                         | jae entries                       |
             0f b7 4a 10                   | movzx ecx, WORD PTR [rdx+0x10]    |
             48 01 8c 24 00 10 00 00       | add QWORD PTR [rsp+0x1000], rcx   |
             80 7a 12 0a                   | cmp BYTE PTR [rdx+0x12], 0xa      | DT_LNK: what it leads to has a name of its own
             74 dc                         | je entry                          |
             48 8d 72 13                   | lea rsi, [rdx+0x13]               |
             80 3e 2e                      | cmp BYTE PTR [rsi], 0x2e          |
             75 0d                         | jne append                        |
             80 7e 01 00                   | cmp BYTE PTR [rsi+0x1], 0x0       | .
             74 cd                         | je entry                          |
             66 83 7e 01 2e                | cmp WORD PTR [rsi+0x1], 0x2e      | ..
             74 c6                         | je entry                          |
append:      4c 89 e7                      | mov rdi, r12                      |
             b0 2f                         | mov al, 0x2f                      |
             aa                            | stos BYTE PTR es:[rdi], al        |
             e8 c8 fd ff ff                | call copy                         |
             4c 8d 47 ff                   | lea r8, [rdi-0x1]                 |
             45 31 c9                      | xor r9d, r9d                      |
             45 31 d2                      | xor r10d, r10d                    |
inside:      45 39 fa                      | cmp r10d, r15d                    |
             74 21                         | je decide                         |
             4a 8b 34 d5 00 69 00 20       | mov rsi, QWORD PTR [r10*8+0x20006900] |
             bf 00 28 00 20                | mov edi, 0x20002800               |
             e8 fc fd ff ff                | call within                       |
             75 08                         | jne outside                       |
             80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             74 93                         | je entry                          |
             41 ff c1                      | inc r9d                           |
outside:     41 ff c2                      | inc r10d                          |
             eb da                         | jmp inside                        |
decide:      45 85 c9                      | test r9d, r9d                     |
             75 16                         | jne deeper                        |
             be 00 28 00 20                | mov esi, 0x20002800               |
             49 c7 c0 fe ff ff ff          | mov r8, 0xfffffffffffffffe        |
             e8 f2 fd ff ff                | call add                          |
             e9 70 ff ff ff                | jmp entry                         |
deeper:      4c 89 c7                      | mov rdi, r8                       |
             e8 04 ff ff ff                | call tree                         |
             e9 63 ff ff ff                | jmp entry                         |
listed:      89 ef                         | mov edi, ebp                      |
             b8 03 00 00 00                | mov eax, 0x3                      |
             0f 05                         | syscall                           |
left:        48 81 c4 10 10 00 00          | add rsp, 0x1010                   |
             41 5c                         | pop r12                           |
             5d                            | pop rbp                           |
             c3                            | ret                               |
`;
