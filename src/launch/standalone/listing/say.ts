/**
 * What is said where nothing is executed.
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const SAY = `
lacking:     31 f6                         | xor esi, esi                      |
             4c 8b 83 d8 00 00 00          | mov r8, QWORD PTR [rbx+0xd8]      |
             eb 66                         | jmp fail                          |
reaching:    31 f6                         | xor esi, esi                      |
             4c 8b 83 e0 00 00 00          | mov r8, QWORD PTR [rbx+0xe0]      |
             eb 5b                         | jmp fail                          |
crowded:     48 8b b3 88 00 00 00          | mov rsi, QWORD PTR [rbx+0x88]     |
             4c 8b 83 e8 00 00 00          | mov r8, QWORD PTR [rbx+0xe8]      |
             eb 4b                         | jmp fail                          |
supervised:  31 f6                         | xor esi, esi                      |
             4c 8b 83 f0 00 00 00          | mov r8, QWORD PTR [rbx+0xf0]      |
             eb 40                         | jmp fail                          |
owning:      4c 8b 83 f8 00 00 00          | mov r8, QWORD PTR [rbx+0xf8]      |
             eb 10                         | jmp whose                         |
linked:      4c 8b 83 00 01 00 00          | mov r8, QWORD PTR [rbx+0x100]     |
             eb 07                         | jmp whose                         |
missing:     4c 8b 83 08 01 00 00          | mov r8, QWORD PTR [rbx+0x108]     |
whose:       49 8b 74 24 18                | mov rsi, QWORD PTR [r12+0x18]     |
             eb 20                         | jmp fail                          |
unread:      48 8b b3 88 00 00 00          | mov rsi, QWORD PTR [rbx+0x88]     |
             eb 07                         | jmp why                           |
failed:      48 8b b3 10 01 00 00          | mov rsi, QWORD PTR [rbx+0x110]    |
why:         41 b9 7d 00 00 00             | mov r9d, 0x7d                     | eax: a negated error
             f7 d8                         | neg eax                           |
             41 89 c7                      | mov r15d, eax                     |
             e9 bb f9 ff ff                | jmp text                          |
fail:        41 b9 7d 00 00 00             | mov r9d, 0x7d                     |
say:         49 89 f2                      | mov r10, rsi                      | rsi: a subject or 0, r8: what is said of it, r9d: the exit code
             bf 00 ec 0c 20                | mov edi, 0x200cec00               |
             48 8b b3 18 01 00 00          | mov rsi, QWORD PTR [rbx+0x118]    |
             e8 37 00 00 00                | call print                        |
             4c 89 d6                      | mov rsi, r10                      |
             48 85 f6                      | test rsi, rsi                     |
             74 05                         | je unsaid                         |
             e8 2a 00 00 00                | call print                        |
unsaid:      4c 89 c6                      | mov rsi, r8                       |
             e8 22 00 00 00                | call print                        |
             b0 0a                         | mov al, 0xa                       |
             aa                            | stos BYTE PTR es:[rdi], al        |
             89 fa                         | mov edx, edi                      |
             be 00 ec 0c 20                | mov esi, 0x200cec00               |
             29 f2                         | sub edx, esi                      |
             bf 02 00 00 00                | mov edi, 0x2                      |
             b8 01 00 00 00                | mov eax, 0x1                      | write(2)
             0f 05                         | syscall                           |
             44 89 cf                      | mov edi, r9d                      |
             b8 e7 00 00 00                | mov eax, 0xe7                     | exit_group(2)
             0f 05                         | syscall                           |
print:       ac                            | lods al, BYTE PTR ds:[rsi]        | to rdi, what moves a terminal's cursor as a question mark
             84 c0                         | test al, al                       |
             74 15                         | je printed                        |
             3c 20                         | cmp al, 0x20                      |
             72 04                         | jb hidden                         |
             3c 7f                         | cmp al, 0x7f                      |
             75 02                         | jne shown                         |
hidden:      b0 3f                         | mov al, 0x3f                      |
shown:       aa                            | stos BYTE PTR es:[rdi], al        |
             eb ee                         | jmp print                         |
`;
