/**
 * All is put in force, and this process becomes the command, with the words that are known before its own arguments.
 *
 *   r12  envp    r13  the ruleset    r14  argv
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const BECOME = `
enforced:    f6 43 48 02                   | test BYTE PTR [rbx+0x48], 0x2     | no core is dumped under file rules
             74 25                         | je privileges                     |
             31 ff                         | xor edi, edi                      |
             be 04 00 00 00                | mov esi, 0x4                      | RLIMIT_CORE
             48 8d 93 b8 00 00 00          | lea rdx, [rbx+0xb8]               |
             45 31 d2                      | xor r10d, r10d                    |
             b8 2e 01 00 00                | mov eax, 0x12e                    | prlimit64(2)
             0f 05                         | syscall                           |
             83 f8 ff                      | cmp eax, 0xffffffff               | EPERM: the hard limit is 0
             74 08                         | je privileges                     |
             85 c0                         | test eax, eax                     |
             0f 85 25 01 00 00             | jne failed                        |
privileges:  bf 26 00 00 00                | mov edi, 0x26                     | PR_SET_NO_NEW_PRIVS
             be 01 00 00 00                | mov esi, 0x1                      |
             31 d2                         | xor edx, edx                      |
             45 31 d2                      | xor r10d, r10d                    |
             45 31 c0                      | xor r8d, r8d                      |
             b8 9d 00 00 00                | mov eax, 0x9d                     |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 04 01 00 00             | jne failed                        |
             44 89 ef                      | mov edi, r13d                     |
             31 f6                         | xor esi, esi                      |
             b8 be 01 00 00                | mov eax, 0x1be                    | landlock_restrict_self(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 f0 00 00 00             | jne failed                        |
             bf 01 00 00 00                | mov edi, 0x1                      |
             31 f6                         | xor esi, esi                      |
             48 8b 93 c8 00 00 00          | mov rdx, QWORD PTR [rbx+0xc8]     |
             b8 3d 01 00 00                | mov eax, 0x13d                    |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 d3 00 00 00             | jne failed                        |
             48 8b 4d 00                   | mov rcx, QWORD PTR [rbp+0x0]      |
             4c 8d 64 cd 10                | lea r12, [rbp+rcx*8+0x10]         |
             48 8b 4b 08                   | mov rcx, QWORD PTR [rbx+0x8]      |
             48 8b 73 10                   | mov rsi, QWORD PTR [rbx+0x10]     |
             48 8d 7d 10                   | lea rdi, [rbp+0x10]               | the words that are known go before the second argument
             48 8d 04 cd 00 00 00 00       | lea rax, [rcx*8+0x0]              |
             48 29 c7                      | sub rdi, rax                      |
             48 8d 67 c0                   | lea rsp, [rdi-0x40]               |
             49 89 fe                      | mov r14, rdi                      |
             f3 48 a5                      | rep movs QWORD PTR es:[rdi], QWORD PTR ds:[rsi] |
             bf 00 ea 00 20                | mov edi, 0x2000ea00               |
             4c 89 f6                      | mov rsi, r14                      |
             4c 89 e2                      | mov rdx, r12                      |
             b8 3b 00 00 00                | mov eax, 0x3b                     | execve(2)
             0f 05                         | syscall                           |
             83 f8 f8                      | cmp eax, 0xfffffff8               | ENOEXEC: the shell's, as execvp(3) has it
             75 2e                         | jne unstarted                     |
             b8 00 ea 00 20                | mov eax, 0x2000ea00               |
             80 38 2d                      | cmp BYTE PTR [rax], 0x2d          |
             75 09                         | jne script                        |
             66 c7 40 fe 2e 2f             | mov WORD PTR [rax-0x2], 0x2f2e    | the shell would take a leading dash for an option
             83 e8 02                      | sub eax, 0x2                      |
script:      49 89 06                      | mov QWORD PTR [r14], rax          |
             48 8b bb d0 00 00 00          | mov rdi, QWORD PTR [rbx+0xd0]     |
             49 8d 76 f8                   | lea rsi, [r14-0x8]                |
             48 89 3e                      | mov QWORD PTR [rsi], rdi          |
             4c 89 e2                      | mov rdx, r12                      |
             b8 3b 00 00 00                | mov eax, 0x3b                     |
             0f 05                         | syscall                           |
unstarted:   f7 d8                         | neg eax                           |
             41 89 c7                      | mov r15d, eax                     |
             e9 21 fa ff ff                | jmp halted                        |
`;
