/**
 * What programs do with sockets, as a script that prints what came of each: the same natively and in a sandbox that
 * allows it.
 */
export const CALLS = String.raw`
import ctypes, errno, fcntl, json, os, signal, socket, struct, sys, threading, time
folder, only = sys.argv[1], sys.argv[2:]
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(folder)
def later(delay, f):
    t = threading.Thread(target=lambda: (time.sleep(delay), f())); t.start(); return t
def receive(s, size, into):
    while len(into) < size: into += s.recv(65536)
def tcp_pair():
    l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(5)
    a = socket.create_connection(l.getsockname()); b, _ = l.accept(); l.close(); return a, b
def sin(host, port): return struct.pack('=H', 2) + struct.pack('!H', port) + socket.inet_aton(host) + bytes(8)
def unix(name, kind=socket.SOCK_STREAM, listen=None):
    s = socket.socket(socket.AF_UNIX, kind); s.bind(name)
    if listen is not None: s.listen(listen)
    return s
def unix_to(name, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind); s.connect(name); return s
def name_of(f):
    try: f()
    except OSError as e: return errno.errorcode.get(e.errno, e.errno)
    return 'ok'
def raw(result): return result if result >= 0 else errno.errorcode.get(ctypes.get_errno(), ctypes.get_errno())

def echo():
    a, b = tcp_pair(); a.sendall(b'hello'); n = a.sendmsg([b'ab', b'', b'cd']); time.sleep(0.01); return n, b.recv(20).decode()
def large(pair, size, wait):
    a, b = pair; data = os.urandom(size); got = bytearray()
    t = later(wait, lambda: receive(b, size, got)); sent = 0
    while sent < size: sent += a.sendmsg([memoryview(data)[sent:sent + size // 2], memoryview(data)[sent + size // 2:]])
    t.join(); return sent == size, bytes(got) == data
def in_one(pair):
    # One blocking call takes all of it, however long that lasts.
    a, b = pair; data = os.urandom(6_000_000); got = bytearray(); t = later(0.2, lambda: receive(b, len(data), got))
    n = a.sendmsg([data]); t.join(); return n == len(data), bytes(got) == data
def nonblocking_partial():
    a, b = socket.socketpair(); a.setblocking(False); sent = a.sendmsg([bytes(8_000_000)])
    return 0 < sent < 8_000_000, name_of(lambda: a.sendmsg([b'x']))
def dont_wait():
    a, b = socket.socketpair(); sent = a.sendmsg([bytes(8_000_000)], [], socket.MSG_DONTWAIT); return 0 < sent < 8_000_000, name_of(lambda: a.sendmsg([b'x'], [], socket.MSG_DONTWAIT))
def send_timeout():
    a, b = socket.socketpair(); a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 200_000))
    first = a.sendmsg([bytes(8_000_000)]); return 0 < first < 8_000_000, name_of(lambda: a.sendmsg([b'x']))
def rights():
    a, b = socket.socketpair(); r, w = os.pipe(); place = os.open('/', os.O_PATH)
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('iii', w, place, 0))])
    m, fds, flags, _ = socket.recv_fds(b, 10, 5); os.write(fds[0], b'through'); return m.decode(), len(fds), os.read(r, 10).decode(), flags
def bad_rights():
    a, b = socket.socketpair(); return name_of(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 999))]))
def rights_with_much():
    a, b = socket.socketpair(); r, w = os.pipe(); data = os.urandom(3_000_000); got = bytearray(); ends = []
    def take():
        m, fds, _, _ = socket.recv_fds(b, 65536, 5); got.extend(m); ends.extend(fds); receive(b, len(data), got)
    t = later(0.1, take); n = a.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', w))]); t.join()
    os.write(ends[0], b'!'); return n == len(data), bytes(got) == data, len(ends), os.read(r, 5).decode()
def credentials():
    a, b = socket.socketpair(); b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack('iII', os.getpid(), os.getuid(), os.getgid()))])
    ids = struct.unpack('iII', b.recvmsg(10, 100)[1][0][2]); return ids[1] == os.getuid(), ids[2] == os.getgid()
def foreign_user():
    a, b = socket.socketpair(); return name_of(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack('iI', 5, 5))]))
def datagrams():
    r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(('127.0.0.1', 0)); s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); to = r.getsockname()
    s.sendto(b'1', to); s.sendmsg([b'2', b'2'], [], 0, to); s.sendto(b'', to); s.sendto(bytes(65507), to)
    s.sendmsg([b'5'], [(socket.IPPROTO_IP, 8, struct.pack('=I4s4s', 0, socket.inet_aton('127.0.0.9'), bytes(4)))], 0, to)
    got = [r.recvfrom(70000) for _ in range(5)]; return [len(m) for m, _ in got], got[4][1][0], name_of(lambda: s.sendto(bytes(65508), to))
def many():
    r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(('127.0.0.1', 0)); s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(r.getsockname())
    class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]
    class mmsghdr(ctypes.Structure):
        _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t),
                    ('control', ctypes.c_void_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int), ('pad', ctypes.c_int), ('count', ctypes.c_uint32), ('pad2', ctypes.c_int)]
    vectors = [iovec(b'x' * i, i) for i in range(100)]
    array = (mmsghdr * 100)(*[mmsghdr(None, 0, ctypes.pointer(v), 1, None, 0, 0, 0, 99, 0) for v in vectors])
    got = []; t = later(0, lambda: [got.append(len(r.recv(300))) for _ in range(100)])
    n = libc.sendmmsg(s.fileno(), array, 100, 0); t.join(); return n, [m.count for m in array] == list(range(100)), sum(got)
def refused_connects():
    s = socket.socket(); l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(5); results = [errno.errorcode.get(s.connect_ex(('127.0.0.1', 1)), 'ok') for _ in range(3)]
    return results + [s.connect_ex(l.getsockname()), errno.errorcode[s.connect_ex(l.getsockname())]]
def nonblocking():
    s = socket.socket(); s.setblocking(False); return name_of(lambda: s.connect(('127.0.0.1', 1)))
def flags_kept():
    s = socket.socket(); l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(5); before = fcntl.fcntl(s, fcntl.F_GETFL); s.connect(l.getsockname()); return fcntl.fcntl(s, fcntl.F_GETFL) == before
def broken_pipe():
    got = []; signal.signal(signal.SIGPIPE, lambda *_: got.append('SIGPIPE')); results = []
    for flags in (0, socket.MSG_NOSIGNAL):
        a, b = socket.socketpair(); b.close(); results.append(name_of(lambda: a.sendmsg([b'x'], [], flags)))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL); pid = os.fork()
    if pid == 0:
        a, b = socket.socketpair(); b.close(); a.sendmsg([b'x']); os._exit(0)
    return results, got, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def addresses():
    # Lengths and pointers that the kernel has errors of its own for.
    s, u, r = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), os.open('/', os.O_PATH); a = struct.pack('=HH', 2, 256) + bytes(12)
    return [raw(f()) for f in (
        lambda: libc.connect(s.fileno(), a, 15), lambda: libc.connect(s.fileno(), a, 1), lambda: libc.connect(s.fileno(), a, 0), lambda: libc.connect(s.fileno(), a, -1),
        lambda: libc.connect(s.fileno(), a, 129), lambda: libc.connect(s.fileno(), None, 16), lambda: libc.connect(s.fileno(), ctypes.c_void_p(8), 16),
        lambda: libc.connect(99, a, 16), lambda: libc.connect(0, a, 16), lambda: libc.connect(r, a, 16), lambda: libc.connect(-1, a, 16), lambda: libc.connect(0, a, 200),
        lambda: libc.sendto(u.fileno(), b'x', 1, 0, a, 15), lambda: libc.sendto(u.fileno(), b'x', 1, 0, a, 0), lambda: libc.sendto(u.fileno(), b'x', 1, 0, a, 2 ** 31 - 1),
        lambda: libc.sendto(u.fileno(), b'x', 1, 0, a, -1), lambda: libc.sendto(u.fileno(), ctypes.c_void_p(8), 1, 0, a, 16), lambda: libc.sendto(0, b'x', 1, 0, a, 16),
        lambda: libc.sendto(u.fileno(), b'x', 1, 0, struct.pack('=H', 77) + bytes(14), 16), lambda: libc.sendmsg(u.fileno(), None, 0), lambda: libc.sendmsg(99, None, 0),
        lambda: libc.sendmmsg(u.fileno(), None, 1, 0), lambda: libc.sendmmsg(u.fileno(), None, 0, 0), lambda: libc.bind(s.fileno(), a, 3), lambda: libc.bind(99, a, 16), lambda: libc.bind(0, a, 16))]
def unix_path():
    l = unix(folder + '/s', listen=20); c = unix_to(folder + '/s'); b, _ = l.accept(); c.send(b'k'); mode = oct(os.stat('s').st_mode)
    out = [b.recv(9).decode(), mode, name_of(lambda: unix('s')), name_of(lambda: unix_to('nothing')), name_of(lambda: unix_to('./s/')), name_of(lambda: unix(folder + '/none/s')), name_of(lambda: unix('.'))]
    os.symlink('s', 'l'); unix_to('l'); os.link('s', 'h'); unix_to('h'); os.rename('s', 'm'); unix_to('m').close(); unix_to('../' + os.path.basename(folder) + '/m')
    l.close(); return out + [name_of(lambda: unix_to('m')), name_of(lambda: unix_to('/etc/passwd'))]
def unix_mask():
    old = os.umask(0o077); unix('masked'); os.umask(old); return oct(os.stat('masked').st_mode)
def spelling():
    # What getsockname and the peer are told is the name as it was given.
    os.mkdir('d'); names = ['bare', './dot', 'd/below', folder + '/absolute', folder + '/d/../up', folder + '//twice']
    servers = [unix(n, listen=1) for n in names]; return [s.getsockname() == n and unix_to(n).getpeername() == n for s, n in zip(servers, names)]
def unix_datagrams():
    a, b = unix('a', socket.SOCK_DGRAM), unix('b', socket.SOCK_DGRAM); a.sendto(b'1', 'b'); a.sendmsg([b'2'], [], 0, folder + '/b'); c = unix_to('b', socket.SOCK_DGRAM); c.send(b'3'); c.sendto(b'4', 'a')
    return [b.recv(9).decode() for _ in range(3)], a.recv(9).decode(), name_of(lambda: a.sendto(b'5', 'none'))
def full_datagrams():
    # An unconnected socket is always writable, and still has to wait.
    a = unix('full', socket.SOCK_DGRAM); t = later(0.2, lambda: [a.recv(9) for _ in range(100)]); s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for _ in range(100): s.sendto(b'x', 'full')
    t.join(); s.setblocking(False); blocked = [name_of(lambda: s.sendto(b'x', 'full')) for _ in range(600)]; return blocked[0], blocked[-1]
def packets():
    l = unix('packets', socket.SOCK_SEQPACKET, 1); c = unix_to('packets', socket.SOCK_SEQPACKET); b, _ = l.accept(); c.sendmsg([b'one']); c.sendmsg([b'two', b'two']); return [b.recv(99).decode() for _ in range(2)], name_of(lambda: unix_to('packets'))
def abstract():
    n = '\0sf%d' % os.getpid(); l = unix(n, listen=2); c = unix_to(n); b, _ = l.accept(); c.send(b'k'); d = unix(n, socket.SOCK_DGRAM); e = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); e.sendto(b'd', n)
    out = [b.recv(9).decode(), d.recv(9).decode(), name_of(lambda: unix(n)), l.getsockname() == n.encode()]; l.close(); return out + [name_of(lambda: unix_to(n))]
def autobind():
    a, b = unix('', socket.SOCK_DGRAM), unix('', socket.SOCK_DGRAM); a.sendto(b'q', b.getsockname()); m, back = b.recvfrom(9); b.sendto(b'r', back); c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); c.sendto(b's', a.getsockname()); a.recv(9); m, back = a.recvfrom(9); b.sendto(b't', back); return m.decode(), c.recv(9).decode()
def backlog():
    l = unix('backlog', listen=0); taken = []; t = later(0.2, lambda: [taken.append(l.accept()) for _ in range(4)]); start = time.time(); held = [unix_to('backlog') for _ in range(4)]; t.join()
    held += [unix_to('backlog')]; s = socket.socket(socket.AF_UNIX); s.setblocking(False); return len(held), time.time() - start > 0.15, name_of(lambda: s.connect('backlog'))
def connect_timeout():
    l = unix('slow', listen=0); unix_to('slow'); s = socket.socket(socket.AF_UNIX); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 200_000)); return name_of(lambda: s.connect('slow'))
def fast_open():
    l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(5); s = socket.socket(); n = s.sendto(b'fast', 0x20000000, l.getsockname()); c, _ = l.accept(); return n, c.recv(9).decode()
def fast_open_after():
    # Whichever way it went, the socket is left as a blocking connect leaves it: without and with a cookie (flag 4 needs none).
    out = []; no_cookie = lambda s: s.setsockopt(socket.IPPROTO_TCP, 34, 1); closed = socket.socket(); closed.bind(('127.0.0.1', 0)); nobody = closed.getsockname()
    for prepare in (lambda s: None, no_cookie):
        for size in (0, 4, 2_000_000):
            l = socket.socket(); l.bind(('127.0.0.1', 0)); l.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5); l.listen(5); to = l.getsockname()
            s = socket.socket(); prepare(s); data = os.urandom(size); got = bytearray()
            def take():
                c, _ = l.accept(); receive(c, size, got); return c
            t = later(0.05, take); n = raw(libc.sendto(s.fileno(), data, size, 0x20000000, sin(*to), 16)); t.join()
            out.append([n, bytes(got) == data, errno.errorcode.get(s.connect_ex(to), 'ok'), raw(libc.sendto(s.fileno(), b'x', 1, 0x20000000, sin(*to), 16)), s.gettimeout()])
            s = socket.socket(); prepare(s)
            for _ in range(2): out.append([raw(libc.sendto(s.fileno(), data, size, 0x20000000, sin(*nobody), 16)), errno.errorcode.get(s.connect_ex(nobody), 'ok')])
            out.append(s.connect_ex(to))
            s = socket.socket(); prepare(s); s.setblocking(False); out.append(raw(libc.sendto(s.fileno(), data, min(size, 500), 0x20000000, sin(*to), 16)))
    return out
def fast_open_timeout():
    # Nobody takes the connection: the second time the error is another one.
    l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(0); to = l.getsockname(); out = []; first = socket.create_connection(to)
    for no_cookie in (0, 1):
        s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, 34, no_cookie); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 100_000))
        out += [raw(libc.sendto(s.fileno(), b'late', 4, 0x20000000, sin(*to), 16)) for _ in range(2)] + [name_of(lambda: s.send(b'x', socket.MSG_DONTWAIT))]
    return out
def unspecified():
    # An unspecified address leads where the socket is bound, or to this host.
    l = socket.socket(); l.bind(('', 0)); l.listen(9); out = []; port = l.getsockname()[1]
    for family, own, to in ((2, '', '0.0.0.0'), (2, '127.5.5.5', '0.0.0.0'), (2, '224.0.0.1', '0.0.0.0'), (10, '::ffff:127.5.5.5', '::ffff:0.0.0.0'), (10, '::ffff:127.5.5.5', '::')):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(family, kind); s.bind((own, 0)); s.connect((to, port)); out.append((s.getpeername()[0], s.getsockname()[0]))
    return out
def out_of_band():
    a, b = tcp_pair(); a.sendmsg([b'ab'], [], socket.MSG_OOB); time.sleep(0.02); return b.recv(1, socket.MSG_OOB).decode(), b.recv(9).decode()
def compat_flag():
    a, b = socket.socketpair(); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0)); results = []
    for s, to in ((a, ()), (u, (u.getsockname(),))):
        results.append(name_of(lambda: s.sendmsg([b'x'], [], -2 ** 31, *to))); results.append(raw(libc.sendmmsg(s.fileno(), None, 0, ctypes.c_uint(2 ** 31))))
    return results + [raw(libc.sendmsg(99, None, ctypes.c_uint(2 ** 31)))]
def netlink():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.bind((0, 0)); s.sendto(struct.pack('=IHHIIBxxx', 20, 18, 0x301, 1, 0, 0), (0, 0)); return s.getsockname()[0] != 0, len(s.recv(65536)) > 100, socket.if_nameindex()[0]
def alarmed(f):
    # Again and again: on a slow machine the first alarm may come before the call waits.
    signal.setitimer(signal.ITIMER_REAL, 0.15, 0.15); r = raw(f()); signal.setitimer(signal.ITIMER_REAL, 0); return r
def interrupted(restart):
    n = 'int%d' % restart; l = unix(n, listen=0); unix_to(n); got = []; s = socket.socket(socket.AF_UNIX); a = struct.pack('=H', 1) + n.encode()
    signal.signal(signal.SIGALRM, lambda *_: got.append(1)); signal.siginterrupt(signal.SIGALRM, not restart)
    pid = os.fork()
    if pid == 0: time.sleep(0.6); l.accept(); os._exit(0)
    r = alarmed(lambda: libc.connect(s.fileno(), a, len(a))); os.waitpid(pid, 0); return r, len(got) > 0
def interrupted_send(after):
    a, b = socket.socketpair(); a.setblocking(False); name_of(lambda: a.send(bytes(8_000_000))) if after else None; a.setblocking(True); got = []
    signal.signal(signal.SIGALRM, lambda *_: got.append(1)); signal.siginterrupt(signal.SIGALRM, True)
    class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]
    class msghdr(ctypes.Structure):
        _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t), ('control', ctypes.c_void_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]
    v = iovec(bytes(8_000_000), 8_000_000); r = alarmed(lambda: libc.sendmsg(a.fileno(), ctypes.byref(msghdr(None, 0, ctypes.pointer(v), 1, None, 0, 0)), 0)); return r if isinstance(r, str) else 0 < r < 8_000_000, len(got) > 0
def own_table():
    # A thread with descriptors of its own.
    out = []
    def run():
        libc.unshare(0x400); a, b = socket.socketpair(); out.append(name_of(lambda: a.sendmsg([b'mine'])))
        if out == ['ok']: out.append(b.recv(9).decode()); l = unix('own', listen=1); out.append(name_of(lambda: unix_to('own')))
    t = threading.Thread(target=run); t.start(); t.join(); return out

def thread_descriptors():
    # pidfd_open(2) with PIDFD_THREAD: descriptors of other threads than the first.
    r = raw(libc.syscall(434, os.getpid(), os.O_EXCL, 0)); return r if isinstance(r, str) else os.close(r)

calls = {
  'echo': echo, 'large unix': lambda: large(socket.socketpair(), 5_000_000, 0), 'large tcp': lambda: large(tcp_pair(), 12_000_000, 0.2), 'in one unix': lambda: in_one(socket.socketpair()),
  'in one tcp': lambda: in_one(tcp_pair()), 'nonblocking partial': nonblocking_partial, 'dont wait': dont_wait, 'send timeout': send_timeout, 'rights': rights, 'bad rights': bad_rights, 'rights with much': rights_with_much,
  'credentials': credentials, 'malformed credentials': foreign_user, 'datagrams': datagrams, 'many': many, 'refused connects': refused_connects, 'nonblocking': nonblocking, 'flags kept': flags_kept,
  'broken pipe': broken_pipe, 'addresses': addresses, 'unix path': unix_path, 'unix mask': unix_mask, 'spelling': spelling, 'unix datagrams': unix_datagrams, 'full datagrams': full_datagrams, 'packets': packets,
  'abstract': abstract, 'autobind': autobind, 'backlog': backlog, 'connect timeout': connect_timeout, 'fast open': fast_open, 'fast open after': fast_open_after, 'fast open timeout': fast_open_timeout, 'unspecified': unspecified, 'out of band': out_of_band, 'compat flag': compat_flag, 'netlink': netlink,
  'interrupted': lambda: interrupted(False), 'restarted': lambda: interrupted(True), 'interrupted partial send': lambda: interrupted_send(False), 'interrupted full send': lambda: interrupted_send(True), 'own table': own_table, 'thread descriptors': thread_descriptors,
}
def attempt(f):
    try: return f()
    except Exception as e: return repr(e)
print(json.dumps({name: attempt(f) for name, f in calls.items() if not only or name in only}))
`;
