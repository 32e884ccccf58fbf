/**
 * Every way to send something to a host, as a script: each attempt is a function of the allowed and the forbidden
 * destination. It prints how each ended: `ok`, or the name of the error.
 */
export const ATTEMPTS = String.raw`
import ctypes, errno, json, os, socket, struct, sys, threading
good, bad, port_good, port_bad = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
only = sys.argv[5:]
libc = ctypes.CDLL(None, use_errno=True)
FASTOPEN, FASTOPEN_CONNECT = 0x20000000, 30
GOOD, BAD = (good, port_good), (bad, port_bad)

def sin(host, port, family=socket.AF_INET):
    return struct.pack('=H', family) + struct.pack('!H', port) + socket.inet_aton(host) + bytes(8)
def sin6(host, port, scope=0):
    return struct.pack('=H', socket.AF_INET6) + struct.pack('!HI', port, 0) + socket.inet_pton(socket.AF_INET6, host) + struct.pack('=I', scope)
def check(result):
    if result < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return result
def connect(s, address, length=None):
    check(libc.connect(s.fileno(), address, len(address) if length is None else length))
def sendto(s, data, address, flags=0, length=None):
    check(libc.sendto(s.fileno(), data, len(data), flags, address, len(address) if length is None else length))
def tcp(): return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
def udp(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def tcp6(): return socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
def udp6(): return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)

class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]
class msghdr(ctypes.Structure):
    _fields_ = [('name', ctypes.c_char_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t),
                ('control', ctypes.c_char_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]
class mmsghdr(ctypes.Structure): _fields_ = [('hdr', msghdr), ('len', ctypes.c_uint32)]
def message(data, address):
    vector = iovec(data, len(data))
    return msghdr(address, len(address or b''), ctypes.pointer(vector), 1, None, 0, 0)
def sendmmsg(s, messages, flags=0):
    array = (mmsghdr * len(messages))(*[mmsghdr(message(d, a), 77) for d, a in messages])
    count = check(libc.sendmmsg(s.fileno(), array, len(messages), flags))
    return count, [m.len for m in array]
def nonblocking(s):
    s.setblocking(False)
    try: s.connect(BAD)
    except BlockingIOError: pass
def in_thread():
    result = []
    def run():
        try: tcp().connect(BAD)
        except OSError as e: result.append(e)
    t = threading.Thread(target=run); t.start(); t.join()
    if result: raise result[0]
def in_child():
    pid = os.fork()
    if pid == 0:
        try: tcp().connect(BAD)
        except OSError as e: os._exit(e.errno)
        os._exit(0)
    e = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if e: raise OSError(e, '')
def override():
    s = udp(); s.connect(GOOD); s.sendmsg([b'override'], [], 0, BAD)
def reconnect():
    s = tcp(); s.connect(GOOD); connect(s, bytes(16)); s.connect(BAD)
def reconnect_udp():
    s = udp(); s.connect(GOOD); connect(s, bytes(16)); s.connect(BAD); s.send(b'reconnect')
def bound(s):
    # From such a socket 0.0.0.0 is the address that it is bound to.
    s.bind((bad, 0) if s.family == socket.AF_INET else ('::ffff:' + bad, 0)); return s
def zero_reconnected():
    s = bound(udp()); s.connect(GOOD); connect(s, bytes(16)); connect(s, sin('0.0.0.0', port_bad)); s.send(b'reconnected')
def fastopen_connect():
    s = tcp(); s.setsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT, 1); s.connect(BAD); s.send(b'x')
def second_of_two():
    # What comes behind a refused message is not sent, and what came before it is counted.
    count, lengths = sendmmsg(udp(), [(b'mm first', sin(*GOOD)), (b'mm second', sin(*BAD)), (b'mm third', sin(*GOOD))])
    if count != 3: return 'sent %d, lengths %s' % (count, lengths)
def high_bits():
    s = tcp(); fd = s.fileno() | (0x5 << 32)
    check(libc.syscall(ctypes.c_long(42), ctypes.c_long(fd), sin(*BAD), ctypes.c_long(16 | 0x7 << 32)))
def first_segment_only():
    s = udp6(); s.setsockopt(socket.IPPROTO_IPV6, 57, bytes([0, 2, 4, 1, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, '::1'))
def multicast():
    s = udp(); s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1')); s.sendto(b'multicast', ('224.0.0.251', 5353))
def broadcast():
    s = udp(); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); s.sendto(b'broadcast', ('255.255.255.255', 9))

attempts = {
  'connect': lambda: tcp().connect(BAD),
  'connect nonblocking': lambda: nonblocking(tcp()),
  'connect thread': in_thread,
  'connect child': in_child,
  'connect mapped': lambda: connect(tcp6(), sin6('::ffff:' + bad, port_bad)),
  'connect mapped with scope': lambda: connect(tcp6(), sin6('::ffff:' + bad, port_bad, 1)),
  'connect long': lambda: connect(tcp(), sin(*BAD) + bytes(112)),
  'connect high bits': high_bits,
  'reconnect': reconnect,
  'reconnect udp': reconnect_udp,
  'connect udp': lambda: (lambda s: (s.connect(BAD), s.send(b'connected')))(udp()),
  'connect udp6 to v4': lambda: (lambda s: (connect(s, sin(*BAD)), s.send(b'connected 6')))(udp6()),
  'sendto': lambda: udp().sendto(b'sendto', BAD),
  'sendto long': lambda: sendto(udp(), b'sendto long', sin(*BAD) + bytes(112)),
  'sendto unspecified family': lambda: sendto(udp(), b'unspec', sin(bad, port_bad, 0)),
  'sendto udp6 to v4': lambda: sendto(udp6(), b'6 to 4', sin(*BAD)),
  'sendto mapped': lambda: sendto(udp6(), b'mapped', sin6('::ffff:' + bad, port_bad)),
  'sendmsg': lambda: udp().sendmsg([b'send', b'msg'], [], 0, BAD),
  'sendmsg override': override,
  'sendmmsg': lambda: sendmmsg(udp(), [(b'mm', sin(*BAD))]) and None,
  'sendmmsg second': second_of_two,
  'fast open sendto': lambda: sendto(tcp(), b'x', sin(*BAD), FASTOPEN),
  'fast open sendmsg': lambda: tcp().sendmsg([b'x'], [], FASTOPEN, BAD),
  'fast open sendmmsg': lambda: sendmmsg(tcp(), [(b'x', sin(*BAD))], FASTOPEN) and None,
  'fast open connect': fastopen_connect,
  'zero address': lambda: connect(tcp(), sin('0.0.0.0', port_bad)),
  'zero address mapped': lambda: connect(tcp6(), sin6('::ffff:0.0.0.0', port_bad)),
  'zero address udp': lambda: udp().sendto(b'zero', ('0.0.0.0', port_bad)),
  'zero address bound': lambda: connect(bound(tcp()), sin('0.0.0.0', port_bad)),
  'zero address bound udp': lambda: sendto(bound(udp()), b'bound', sin('0.0.0.0', port_bad)),
  'zero address bound mapped': lambda: sendto(bound(udp6()), b'bound 6', sin6('::ffff:0.0.0.0', port_bad)),
  'zero address reconnected': zero_reconnected,
  'multicast': multicast,
  'broadcast': broadcast,
  'routing header': first_segment_only,
}
def attempt(f):
    try: return f() or 'ok'
    except OSError as e: return errno.errorcode.get(e.errno, e.errno)
def plain(result): return result if isinstance(result, str) else 'ok'
print(json.dumps({name: plain(attempt(f)) for name, f in attempts.items() if not only or name in only}))
`;
