/**
 * What the Python of escape tests begins with: system calls by number, and machine code for those that libc does not
 * make.
 */
export const PRELUDE = String.raw`
import ctypes, json, mmap, os, signal, socket, struct, sys, threading, time
ROOT = sys.argv[1] if len(sys.argv) > 1 else ''
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p
KEPT = []

def reg(x):
    if x is None: return ctypes.c_void_p(None)
    if isinstance(x, int): return ctypes.c_ulong(x & (2**64 - 1))
    if isinstance(x, str): x = x.encode()
    if isinstance(x, bytes): x = ctypes.create_string_buffer(x)
    KEPT.append(x)
    return ctypes.cast(x, ctypes.c_void_p)

def sc(number, *args):
    "The result of a system call, or its negated errno."
    ctypes.set_errno(0)
    args = [reg(a) for a in args] + [ctypes.c_ulong(0)] * (6 - len(args))
    result = libc.syscall(ctypes.c_long(number), *args)
    return -ctypes.get_errno() if result == -1 else result

def low_memory(data=b'', size=4096, protection=7):
    "Memory below 4 GiB, executable: for calls of the 32-bit ABI and for machine code."
    address = libc.mmap(None, ctypes.c_size_t(size), protection, 0x62, -1, ctypes.c_long(0))
    ctypes.memmove(address, data, len(data))
    return address

def int80(number, a=0, b=0, c=0):
    "A system call of the 32-bit ABI, made from 64-bit code."
    code = bytes.fromhex('5389f889f387d1cd805b4898c3')
    call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long)
    return call(low_memory(code))(number, a, b, c)

def in_child(action):
    "Runs an action in a child: its result (0 to 255), or minus the signal that ended it."
    pid = os.fork()
    if pid == 0:
        try: os._exit(action() & 255)
        except BaseException: os._exit(99)
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

def say(**values): print(json.dumps(values))
`;
