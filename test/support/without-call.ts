/**
 * A command under a filter that answers one system call with EPERM, as that of a container may.
 */

const SCRIPT = String.raw`
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
program = struct.pack('=HBBI', 0x20, 0, 0, 0) + struct.pack('=HBBI', 0x15, 0, 1, int(sys.argv[1])) + struct.pack('=HBBI', 6, 0, 0, 0x50001) + struct.pack('=HBBI', 6, 0, 0, 0x7fff0000)
buffer = ctypes.create_string_buffer(program, len(program))
fprog = struct.pack('=HxxxxxxQ', 4, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, fprog) == 0
os.execvp(sys.argv[2], sys.argv[2:])
`;

/** The words that start such a command. @param call the number of the call */
export function withoutCall(call: number, words: readonly string[]): string[] {
  return ['python3', '-c', SCRIPT, String(call), ...words];
}
