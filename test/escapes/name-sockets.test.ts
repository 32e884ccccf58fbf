/**
 * Attacks on names of hosts by what sockets can be told beside an address, and by what looks names up: a question leaves only by who
 * has judged it.
 */
import { attackNames } from '../network/name-attack.ts';
import { NEIGHBOUR, WORLD } from '../network/namespaces.ts';

attackNames({
  id: 'N45',
  title: 'a question whose message names the interface of another peer',
  options: ['--allowed-hosts=allowed.example', `--allowed-netmasks=${WORLD}`],
  script: `
bad = question('forbidden.example')
index = next(number for number, name in socket.if_nameindex() if name != 'lo')
def way(source): return [(socket.IPPROTO_IP, 8, struct.pack('=i4s4s', index, socket.inet_aton(source), bytes(4)))]
def peer(): s = udp(); s.connect(('${WORLD}', 80)); s.sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def source(): s = udp(); s.connect(('${WORLD}', 80)); s.sendmsg([bad], way('192.168.1.1'), 0, RESOLVER)
def known(): s = udp(); s.connect((socket.gethostbyname('allowed.example'), 80)); s.sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def alone(): udp().sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def led(): s = udp(); s.connect(RESOLVER); s.sendmsg([bad], way('0.0.0.0'))
def mapped():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.connect(('::ffff:${WORLD}', 80)); s.sendmsg([bad], way('0.0.0.0'), 0, ('::ffff:${NEIGHBOUR}', 53))
def bound(): s = udp(); s.connect(RESOLVER); s.setsockopt(1, 25, socket.if_indextoname(index).encode()); s.send(bad)
def preferred(): s = udp(); s.connect(RESOLVER); s.setsockopt(0, 50, struct.pack('!i', index)); s.send(bad)
def routed(): s = udp(); s.connect(RESOLVER); s.setsockopt(0, 4, b'\\x83\\x07\\x04' + socket.inet_aton('${NEIGHBOUR}') + b'\\0'); s.send(bad)
tries(peer, source, known, alone, led, mapped, bound, preferred, routed)
`,
  natively: /^question forbidden\.example 1 udp$/,
});
