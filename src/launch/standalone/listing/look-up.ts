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
             be 00 d9 00 20                | mov esi, 0x2000d900               |
             ba 01 00 00 00                | mov edx, 0x1                      | X_OK
             b8 0d 01 00 00                | mov eax, 0x10d                    | faccessat(2)
             0f 05                         | syscall                           |
             f7 d8                         | neg eax                           |
             75 31                         | jne judged                        |
             bf 00 d9 00 20                | mov edi, 0x2000d900               |
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
add:         bf 9c ff ff ff                | mov edi, 0xffffff9c               | a rule for rsi, r8: what it must be, r9: rights; eax: 0, or a negated error
             48 8d 93 20 01 00 00          | lea rdx, [rbx+0x120]              |
             41 ba 18 00 00 00             | mov r10d, 0x18                    |
             b8 b5 01 00 00                | mov eax, 0x1b5                    | openat2(2)
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             78 7a                         | js added                          |
             41 89 c6                      | mov r14d, eax                     |
             89 c7                         | mov edi, eax                      |
             be 00 05 00 20                | mov esi, 0x20000500               |
             b8 05 00 00 00                | mov eax, 0x5                      |
             0f 05                         | syscall                           |
             85 c0                         | test eax, eax                     |
             0f 85 e0 fe ff ff             | jne failed                        |
             8b 0c 25 18 05 00 20          | mov ecx, DWORD PTR ds:0x20000518  |
             81 e1 00 f0 00 00             | and ecx, 0xf000                   |
             4d 85 c0                      | test r8, r8                       |
             78 12                         | js kind                           |
             81 f9 00 20 00 00             | cmp ecx, 0x2000                   | S_IFCHR
             75 3d                         | jne done                          |
             4c 3b 04 25 28 05 00 20       | cmp r8, QWORD PTR ds:0x20000528   |
             75 33                         | jne done                          |
kind:        81 f9 00 40 00 00             | cmp ecx, 0x4000                   | S_IFDIR
             48 8b 43 70                   | mov rax, QWORD PTR [rbx+0x70]     |
             48 0f 44 43 78                | cmove rax, QWORD PTR [rbx+0x78]   |
             4d 85 c9                      | test r9, r9                       |
             49 0f 45 c1                   | cmovne rax, r9                    |
             48 89 04 25 00 04 00 20       | mov QWORD PTR ds:0x20000400, rax  |
             44 89 34 25 08 04 00 20       | mov DWORD PTR ds:0x20000408, r14d |
             e8 13 00 00 00                | call rule                         |
             85 c0                         | test eax, eax                     |
             0f 85 89 fe ff ff             | jne failed                        |
done:        44 89 f7                      | mov edi, r14d                     |
             b8 03 00 00 00                | mov eax, 0x3                      |
             0f 05                         | syscall                           |
added:       c3                            | ret                               |
rule:        44 89 ef                      | mov edi, r13d                     |
             be 01 00 00 00                | mov esi, 0x1                      | LANDLOCK_RULE_PATH_BENEATH
             ba 00 04 00 20                | mov edx, 0x20000400               |
             45 31 d2                      | xor r10d, r10d                    |
             b8 bd 01 00 00                | mov eax, 0x1bd                    |
             0f 05                         | syscall                           |
             c3                            | ret                               |
`;
