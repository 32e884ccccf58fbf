/**
 * What is checked of this start, and what is given up, before anything is made: the kernel's Landlock, sockets that are handed
 * down, other descriptors, capabilities (kernel-engine.ts, self.ts).
 *
 *   r13  a descriptor, capabilities    r14  a capability
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const PREPARE = `
found:       31 ff                         | xor edi, edi                      |
             31 f6                         | xor esi, esi                      |
             ba 01 00 00 00                | mov edx, 0x1                      | LANDLOCK_CREATE_RULESET_VERSION
             b8 bc 01 00 00                | mov eax, 0x1bc                    | landlock_create_ruleset(2)
             0f 05                         | syscall                           |
             3b 43 40                      | cmp eax, DWORD PTR [rbx+0x40]     |
             0f 8c 93 05 00 00             | jl lacking                        |
             f6 43 48 01                   | test BYTE PTR [rbx+0x48], 0x1     | sockets that are handed down count
             0f 84 89 00 00 00             | je closing                        |
             45 31 ed                      | xor r13d, r13d                    |
socket:      c7 04 25 00 01 00 20 04 00 00 00 | mov DWORD PTR ds:0x20000100, 0x4  |
             44 89 ef                      | mov edi, r13d                     |
             be 01 00 00 00                | mov esi, 0x1                      | SOL_SOCKET
             ba 03 00 00 00                | mov edx, 0x3                      | SO_TYPE
             41 ba 00 00 00 20             | mov r10d, 0x20000000              |
             41 b8 00 01 00 20             | mov r8d, 0x20000100               |
             b8 37 00 00 00                | mov eax, 0x37                     | getsockopt(2)
             0f 05                         | syscall                           |
             83 f8 a8                      | cmp eax, 0xffffffa8               | ENOTSOCK
             74 49                         | je harmless                       |
             83 f8 f7                      | cmp eax, 0xfffffff7               | EBADF
             74 44                         | je harmless                       |
             85 c0                         | test eax, eax                     |
             0f 85 54 05 00 00             | jne reaching                      |
             8b 04 25 00 00 00 20          | mov eax, DWORD PTR ds:0x20000000  |
             83 f8 01                      | cmp eax, 0x1                      | SOCK_STREAM
             74 09                         | je peer                           |
             83 f8 05                      | cmp eax, 0x5                      | SOCK_SEQPACKET
             0f 85 3f 05 00 00             | jne reaching                      |
peer:        c7 04 25 00 01 00 20 80 00 00 00 | mov DWORD PTR ds:0x20000100, 0x80 |
             44 89 ef                      | mov edi, r13d                     |
             be 00 00 00 20                | mov esi, 0x20000000               |
             ba 00 01 00 20                | mov edx, 0x20000100               |
             b8 34 00 00 00                | mov eax, 0x34                     | getpeername(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 18 05 00 00             | jne reaching                      |
harmless:    41 ff c5                      | inc r13d                          |
             41 83 fd 03                   | cmp r13d, 0x3                     |
             0f 85 7a ff ff ff             | jne socket                        |
closing:     bf 03 00 00 00                | mov edi, 0x3                      |
             be ff ff ff ff                | mov esi, 0xffffffff               |
             31 d2                         | xor edx, edx                      |
             b8 b4 01 00 00                | mov eax, 0x1b4                    | close_range(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 3f 05 00 00             | jne failed                        |
             bf 00 02 00 20                | mov edi, 0x20000200               |
             c7 07 22 05 08 20             | mov DWORD PTR [rdi], 0x20080522   | _LINUX_CAPABILITY_VERSION_3
             be 00 03 00 20                | mov esi, 0x20000300               |
             b8 7d 00 00 00                | mov eax, 0x7d                     | capget(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 20 05 00 00             | jne failed                        |
             44 8b 2c 25 10 03 00 20       | mov r13d, DWORD PTR ds:0x20000310 | what is permitted
             49 c1 e5 20                   | shl r13, 0x20                     |
             8b 04 25 04 03 00 20          | mov eax, DWORD PTR ds:0x20000304  |
             49 09 c5                      | or r13, rax                       |
             0f 84 b9 00 00 00             | je ruleset                        | there is nothing to give up
             b8 6b 00 00 00                | mov eax, 0x6b                     | geteuid(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             b8 00 00 00 00                | mov eax, 0x0                      |
             48 0f 44 43 50                | cmove rax, QWORD PTR [rbx+0x50]   | nobody else keeps any
             49 21 c5                      | and r13, rax                      |
             45 31 f6                      | xor r14d, r14d                    |
bounding:    bf 17 00 00 00                | mov edi, 0x17                     | PR_CAPBSET_READ
             44 89 f6                      | mov esi, r14d                     |
             b8 9d 00 00 00                | mov eax, 0x9d                     | prctl(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             78 1e                         | js bounded                        |
             4d 0f a3 f5                   | bt r13, r14                       |
             72 0f                         | jb bound                          |
             bf 18 00 00 00                | mov edi, 0x18                     | PR_CAPBSET_DROP, where that is permitted
             44 89 f6                      | mov esi, r14d                     |
             b8 9d 00 00 00                | mov eax, 0x9d                     |
             0f 05                         | syscall                           |
bound:       41 ff c6                      | inc r14d                          |
             41 83 fe 40                   | cmp r14d, 0x40                    |
             75 cf                         | jne bounding                      |
bounded:     bf 2f 00 00 00                | mov edi, 0x2f                     | PR_CAP_AMBIENT
             be 04 00 00 00                | mov esi, 0x4                      | PR_CAP_AMBIENT_CLEAR_ALL
             31 d2                         | xor edx, edx                      |
             45 31 d2                      | xor r10d, r10d                    |
             45 31 c0                      | xor r8d, r8d                      |
             b8 9d 00 00 00                | mov eax, 0x9d                     |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 99 04 00 00             | jne failed                        |
             44 89 2c 25 00 03 00 20       | mov DWORD PTR ds:0x20000300, r13d | effective, permitted; inheritable is none
             44 89 2c 25 04 03 00 20       | mov DWORD PTR ds:0x20000304, r13d |
             83 24 25 08 03 00 20 00       | and DWORD PTR ds:0x20000308, 0x0  |
             4c 89 e8                      | mov rax, r13                      |
             48 c1 e8 20                   | shr rax, 0x20                     |
             89 04 25 0c 03 00 20          | mov DWORD PTR ds:0x2000030c, eax  |
             89 04 25 10 03 00 20          | mov DWORD PTR ds:0x20000310, eax  |
             83 24 25 14 03 00 20 00       | and DWORD PTR ds:0x20000314, 0x0  |
             bf 00 02 00 20                | mov edi, 0x20000200               |
             be 00 03 00 20                | mov esi, 0x20000300               |
             b8 7e 00 00 00                | mov eax, 0x7e                     | capset(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 4b 04 00 00             | jne failed                        |
`;
