/**
 * The rules: a path each, and ports.
 *
 *   r12  the rule at hand    r13  the ruleset    r15  the number of holes
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const RULES = `
paths:       4c 8b a3 a8 00 00 00          | mov r12, QWORD PTR [rbx+0xa8]     |
path:        49 8b 34 24                   | mov rsi, QWORD PTR [r12]          | StandaloneRule: the path, what it must be, rights, its name
             48 85 f6                      | test rsi, rsi                     |
             0f 84 8c 00 00 00             | je ports                          |
             49 83 7c 24 08 ff             | cmp QWORD PTR [r12+0x8], 0xffffffffffffffff |
             75 4e                         | jne backed                        |
             48 89 f7                      | mov rdi, rsi                      |
             be 00 06 00 20                | mov esi, 0x20000600               |
             e8 00 03 00 00                | call within                       |
             0f 84 02 02 00 00             | je owning                         |
             45 31 d2                      | xor r10d, r10d                    |
hole:        45 39 fa                      | cmp r10d, r15d                    |
             74 33                         | je backed                         |
             4a 8b 34 d5 00 69 00 20       | mov rsi, QWORD PTR [r10*8+0x20006900] |
             49 8b 3c 24                   | mov rdi, QWORD PTR [r12]          |
             e8 e1 02 00 00                | call within                       |
             0f 84 f5 01 00 00             | je missing                        |
             49 8b 34 24                   | mov rsi, QWORD PTR [r12]          |
             4a 8b 3c d5 00 69 00 20       | mov rdi, QWORD PTR [r10*8+0x20006900] |
             e8 ca 02 00 00                | call within                       |
             0f 84 de 01 00 00             | je missing                        |
             41 ff c2                      | inc r10d                          |
             eb c8                         | jmp hole                          |
backed:      49 8b 34 24                   | mov rsi, QWORD PTR [r12]          |
             4d 8b 44 24 08                | mov r8, QWORD PTR [r12+0x8]       |
             4d 8b 4c 24 10                | mov r9, QWORD PTR [r12+0x10]      |
             e8 c7 02 00 00                | call add                          |
             85 c0                         | test eax, eax                     |
             79 16                         | jns following                     |
             49 83 7c 24 08 ff             | cmp QWORD PTR [r12+0x8], 0xffffffffffffffff |
             75 0e                         | jne following                     |
             83 f8 d8                      | cmp eax, 0xffffffd8               | ELOOP
             0f 84 a8 01 00 00             | je linked                         |
             e9 ac 01 00 00                | jmp missing                       |
following:   49 83 c4 20                   | add r12, 0x20                     |
             e9 67 ff ff ff                | jmp path                          |
ports:       4c 8b a3 b0 00 00 00          | mov r12, QWORD PTR [rbx+0xb0]     |
             4d 85 e4                      | test r12, r12                     |
             74 5e                         | je enforced                       |
             bf 01 00 00 00                | mov edi, 0x1                      | SECCOMP_SET_MODE_FILTER
             be 08 00 00 00                | mov esi, 0x8                      | SECCOMP_FILTER_FLAG_NEW_LISTENER
             31 d2                         | xor edx, edx                      |
             b8 3d 01 00 00                | mov eax, 0x13d                    | seccomp(2)
             0f 05                         | syscall                           |
             83 f8 f2                      | cmp eax, 0xfffffff2               | EFAULT: there could be a listener, so that there is none
             0f 85 5e 01 00 00             | jne supervised                    |
port:        49 8b 04 24                   | mov rax, QWORD PTR [r12]          |
             48 85 c0                      | test rax, rax                     |
             78 39                         | js enforced                       |
             48 c7 04 25 00 04 00 20 02 00 00 00 | mov QWORD PTR ds:0x20000400, 0x2  | LANDLOCK_ACCESS_NET_CONNECT_TCP
             48 89 04 25 08 04 00 20       | mov QWORD PTR ds:0x20000408, rax  |
             44 89 ef                      | mov edi, r13d                     |
             be 02 00 00 00                | mov esi, 0x2                      | LANDLOCK_RULE_NET_PORT
             ba 00 04 00 20                | mov edx, 0x20000400               |
             45 31 d2                      | xor r10d, r10d                    |
             b8 bd 01 00 00                | mov eax, 0x1bd                    | landlock_add_rule(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 56 01 00 00             | jne failed                        |
             49 83 c4 08                   | add r12, 0x8                      |
             eb be                         | jmp port                          |
`;
