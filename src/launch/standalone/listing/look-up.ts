/**
 * What is called from elsewhere: strings, paths, rules.
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const LOOK_UP = `
copy:        50                            | push rax                          | from rsi to rdi, and what ends it
copied:      ac                            | lods al, BYTE PTR ds:[rsi]        |
             aa                            | stos BYTE PTR es:[rdi], al        |
             84 c0                         | test al, al                       |
             75 fa                         | jne copied                        |
             58                            | pop rax                           |
printed:     c3                            | ret                               |
executable:  bf 9c ff ff ff                | mov edi, 0xffffff9c               | eax: 0, or the error with which the path would not be executed
             be 00 ea 00 20                | mov esi, 0x2000ea00               |
             ba 01 00 00 00                | mov edx, 0x1                      | X_OK
             b8 0d 01 00 00                | mov eax, 0x10d                    | faccessat(2)
             0f 05                         | syscall                           |
             f7 d8                         | neg eax                           |
             75 31                         | jne judged                        |
             bf 00 ea 00 20                | mov edi, 0x2000ea00               |
             be 00 05 00 20                | mov esi, 0x20000500               |
             b8 04 00 00 00                | mov eax, 0x4                      | stat(2)
             0f 05                         | syscall                           |
             f7 d8                         | neg eax                           |
             75 1c                         | jne judged                        |
             8b 0c 25 18 05 00 20          | mov ecx, DWORD PTR ds:0x20000518  |
             81 e1 00 f0 00 00             | and ecx, 0xf000                   | S_IFMT
             81 f9 00 80 00 00             | cmp ecx, 0x8000                   | S_IFREG
             74 07                         | je judged                         |
             b8 0d 00 00 00                | mov eax, 0xd                      |
             85 c0                         | test eax, eax                     |
judged:      c3                            | ret                               |
within:      8a 07                         | mov al, BYTE PTR [rdi]            | whether rsi is rdi or lies below it; leaves rsi behind what they share
             48 ff c7                      | inc rdi                           |
             84 c0                         | test al, al                       |
             74 09                         | je below                          |
             3a 06                         | cmp al, BYTE PTR [rsi]            |
             75 0d                         | jne apart                         |
             48 ff c6                      | inc rsi                           |
             eb ee                         | jmp within                        |
below:       80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             74 03                         | je apart                          |
             80 3e 2f                      | cmp BYTE PTR [rsi], 0x2f          |
apart:       c3                            | ret                               |
add:         48 89 f7                      | mov rdi, rsi                      | a rule for rsi, r8: what it must be, r9: rights; eax: 0, or a negated error
             49 89 f2                      | mov r10, rsi                      |
             be 00 00 2a 00                | mov esi, 0x2a0000                 | O_PATH, O_CLOEXEC, O_NOFOLLOW
             b8 02 00 00 00                | mov eax, 0x2                      | open(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 88 e5 00 00 00             | js added                          |
             41 89 c6                      | mov r14d, eax                     |
             89 c7                         | mov edi, eax                      |
             be 00 05 00 20                | mov esi, 0x20000500               |
             b8 05 00 00 00                | mov eax, 0x5                      |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 e3 fe ff ff             | jne failed                        |
             8b 0c 25 18 05 00 20          | mov ecx, DWORD PTR ds:0x20000518  |
             81 e1 00 f0 00 00             | and ecx, 0xf000                   |
             4d 85 c0                      | test r8, r8                       |
             78 1c                         | js named                          |
             81 f9 00 20 00 00             | cmp ecx, 0x2000                   | S_IFCHR
             0f 85 a0 00 00 00             | jne done                          |
             4c 3b 04 25 28 05 00 20       | cmp r8, QWORD PTR ds:0x20000528   |
             0f 85 92 00 00 00             | jne done                          |
             eb 5d                         | jmp kind                          |
named:       49 83 f8 ff                   | cmp r8, 0xffffffffffffffff        |
             75 57                         | jne kind                          |
             81 f9 00 a0 00 00             | cmp ecx, 0xa000                   | S_IFLNK
             0f 84 8d 00 00 00             | je led                            |
             48 8b bb 20 01 00 00          | mov rdi, QWORD PTR [rbx+0x120]    | does it lie where its path says? No link was on the way when it was compiled
             41 8d 46 30                   | lea eax, [r14+0x30]               | only the ruleset and this are open, beside the standard streams
             88 47 0e                      | mov BYTE PTR [rdi+0xe], al        |
             be 00 17 00 20                | mov esi, 0x20001700               |
             ba 00 10 00 00                | mov edx, 0x1000                   |
             b8 59 00 00 00                | mov eax, 0x59                     | readlink(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             78 6a                         | js led                            |
             c6 80 00 17 00 20 00          | mov BYTE PTR [rax+0x20001700], 0x0 |
             be 00 17 00 20                | mov esi, 0x20001700               |
             4c 89 d7                      | mov rdi, r10                      |
             e8 3b ff ff ff                | call within                       |
             75 54                         | jne led                           |
             80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             75 4f                         | jne led                           |
             8b 0c 25 18 05 00 20          | mov ecx, DWORD PTR ds:0x20000518  |
             81 e1 00 f0 00 00             | and ecx, 0xf000                   |
kind:        81 f9 00 40 00 00             | cmp ecx, 0x4000                   | S_IFDIR
             48 8b 43 70                   | mov rax, QWORD PTR [rbx+0x70]     |
             48 0f 44 43 78                | cmove rax, QWORD PTR [rbx+0x78]   |
             4d 85 c9                      | test r9, r9                       |
             49 0f 45 c1                   | cmovne rax, r9                    |
             48 89 04 25 00 04 00 20       | mov QWORD PTR ds:0x20000400, rax  |
             44 89 34 25 08 04 00 20       | mov DWORD PTR ds:0x20000408, r14d |
             e8 1e 00 00 00                | call rule                         |
             85 c0                         | test eax, eax                     |
             0f 85 25 fe ff ff             | jne failed                        |
done:        31 c0                         | xor eax, eax                      |
closed:      50                            | push rax                          |
             44 89 f7                      | mov edi, r14d                     |
             b8 03 00 00 00                | mov eax, 0x3                      |
             0f 05                         | syscall                           |
             58                            | pop rax                           |
added:       c3                            | ret                               |
led:         b8 d8 ff ff ff                | mov eax, 0xffffffd8               | ELOOP
             eb ec                         | jmp closed                        |
rule:        44 89 ef                      | mov edi, r13d                     |
             be 01 00 00 00                | mov esi, 0x1                      | LANDLOCK_RULE_PATH_BENEATH
             ba 00 04 00 20                | mov edx, 0x20000400               |
             45 31 d2                      | xor r10d, r10d                    |
             b8 bd 01 00 00                | mov eax, 0x1bd                    |
             0f 05                         | syscall                           |
             c3                            | ret                               |
`;
