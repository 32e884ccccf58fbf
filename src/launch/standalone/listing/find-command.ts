/**
 * Which file the command's name means, as execvp(3) and launch/command.ts find it; else a word about that and 127 or 126.
 *
 *   rbx  the settings    rbp  argc, behind which argv begins    r13  the name    r14  what is left of PATH    r15  an error
 */

// label: bytes | what they do, as `objdump -M intel` words it | why
export const FIND_COMMAND = `
start:       48 8b 1d f1 ff ff ff          | mov rbx, QWORD PTR [rip+0xfffffffffffffff1] | the settings: their address lies before the code
             48 89 e5                      | mov rbp, rsp                      | where execve(2) leaves argc and argv
             48 8b 4d 00                   | mov rcx, QWORD PTR [rbp+0x0]      |
             48 85 c9                      | test rcx, rcx                     | Linux before 5.18 allows none
             0f 84 e1 00 00 00             | je unnamed                        |
             4c 8d 64 cd 10                | lea r12, [rbp+rcx*8+0x10]         | envp: behind argv and its null
             4c 8b 2b                      | mov r13, QWORD PTR [rbx]          | the command's name …
             4d 85 ed                      | test r13, r13                     |
             75 0d                         | jne given                         |
             4c 8b 6d 10                   | mov r13, QWORD PTR [rbp+0x10]     | … or the first argument
             4d 85 ed                      | test r13, r13                     |
             0f 84 c7 00 00 00             | je unnamed                        |
given:       4c 89 ee                      | mov rsi, r13                      |
             80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             0f 84 a1 00 00 00             | je absent                         |
spell:       ac                            | lods al, BYTE PTR ds:[rsi]        | as execvp(3) does: a name with a slash is a path
             3c 2f                         | cmp al, 0x2f                      |
             0f 84 c4 00 00 00             | je direct                         |
             84 c0                         | test al, al                       |
             75 f3                         | jne spell                         |
             4c 8b 73 18                   | mov r14, QWORD PTR [rbx+0x18]     |
             4c 89 e2                      | mov rdx, r12                      |
variable:    48 8b 32                      | mov rsi, QWORD PTR [rdx]          |
             48 83 c2 08                   | add rdx, 0x8                      |
             48 85 f6                      | test rsi, rsi                     |
             74 12                         | je search                         |
             81 3e 50 41 54 48             | cmp DWORD PTR [rsi], 0x48544150   | PATH …
             75 ec                         | jne variable                      |
             80 7e 04 3d                   | cmp BYTE PTR [rsi+0x4], 0x3d      | … =
             75 e6                         | jne variable                      |
             4c 8d 76 05                   | lea r14, [rsi+0x5]                |
search:      45 31 ff                      | xor r15d, r15d                    | the error of the first one that may not be executed
folder:      bf 00 ea 00 20                | mov edi, 0x2000ea00               |
letter:      41 8a 06                      | mov al, BYTE PTR [r14]            |
             84 c0                         | test al, al                       |
             74 0a                         | je whole                          |
             3c 3a                         | cmp al, 0x3a                      |
             74 06                         | je whole                          |
             aa                            | stos BYTE PTR es:[rdi], al        | no word is longer than 128 KiB (execve(2)): two of them fit
             49 ff c6                      | inc r14                           |
             eb ef                         | jmp letter                        |
whole:       81 ff 00 ea 00 20             | cmp edi, 0x2000ea00               |
             75 03                         | jne joined                        |
             b0 2e                         | mov al, 0x2e                      | an empty one is the working directory
             aa                            | stos BYTE PTR es:[rdi], al        |
joined:      b0 2f                         | mov al, 0x2f                      |
             aa                            | stos BYTE PTR es:[rdi], al        |
             4c 89 ee                      | mov rsi, r13                      |
             e8 3b 07 00 00                | call copy                         |
             e8 3f 07 00 00                | call executable                   |
             0f 84 b0 00 00 00             | je found                          |
             83 f8 02                      | cmp eax, 0x2                      | ENOENT
             74 21                         | je next                           |
             83 f8 14                      | cmp eax, 0x14                     | ENOTDIR
             74 1c                         | je next                           |
             45 85 ff                      | test r15d, r15d                   |
             75 12                         | jne kept                          |
             41 89 c7                      | mov r15d, eax                     |
             be 00 ea 00 20                | mov esi, 0x2000ea00               |
             bf 00 eb 06 20                | mov edi, 0x2006eb00               |
             e8 0f 07 00 00                | call copy                         |
kept:        83 f8 0d                      | cmp eax, 0xd                      | EACCES: another one may be executed
             75 34                         | jne refused                       |
next:        41 8a 06                      | mov al, BYTE PTR [r14]            |
             49 ff c6                      | inc r14                           |
             84 c0                         | test al, al                       |
             75 99                         | jne folder                        |
             45 85 ff                      | test r15d, r15d                   |
             75 25                         | jne refused                       |
absent:      4c 89 ee                      | mov rsi, r13                      |
             80 3e 00                      | cmp BYTE PTR [rsi], 0x0           |
             48 0f 44 73 20                | cmove rsi, QWORD PTR [rbx+0x20]   |
             4c 8b 43 28                   | mov r8, QWORD PTR [rbx+0x28]      |
             41 b9 7f 00 00 00             | mov r9d, 0x7f                     |
             e9 84 06 00 00                | jmp say                           |
unnamed:     31 f6                         | xor esi, esi                      |
             4c 8b 43 30                   | mov r8, QWORD PTR [rbx+0x30]      |
             e9 73 06 00 00                | jmp fail                          |
refused:     be 00 eb 06 20                | mov esi, 0x2006eb00               |
             eb 21                         | jmp unexecuted                    |
direct:      4c 89 ee                      | mov rsi, r13                      |
             bf 00 ea 00 20                | mov edi, 0x2000ea00               |
             e8 c2 06 00 00                | call copy                         |
             e8 c6 06 00 00                | call executable                   |
             74 3b                         | je found                          |
             83 f8 02                      | cmp eax, 0x2                      |
             74 bb                         | je absent                         |
             41 89 c7                      | mov r15d, eax                     |
halted:      be 00 ea 00 20                | mov esi, 0x2000ea00               |
unexecuted:  41 b9 7e 00 00 00             | mov r9d, 0x7e                     | rsi: a path, r15d: an error
text:        48 8b 7b 38                   | mov rdi, QWORD PTR [rbx+0x38]     | a byte and a text each, the last one for all that are left
error:       8a 07                         | mov al, BYTE PTR [rdi]            |
             48 ff c7                      | inc rdi                           |
             49 89 f8                      | mov r8, rdi                       |
             84 c0                         | test al, al                       |
             0f 84 37 06 00 00             | je say                            |
             44 38 f8                      | cmp al, r15b                      |
             0f 84 2e 06 00 00             | je say                            |
rest:        8a 07                         | mov al, BYTE PTR [rdi]            |
             48 ff c7                      | inc rdi                           |
             84 c0                         | test al, al                       |
             75 f7                         | jne rest                          |
             eb dc                         | jmp error                         |
`;
