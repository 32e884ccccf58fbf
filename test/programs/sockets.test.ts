/**
 * Programs that talk to each other by sockets under a network policy: by Unix sockets, also old ones that nobody listens on any more, and by
 * this host's loopback address.
 */
import { programTests } from './same.ts';

/** A port that nobody has. */
const FREE_PORT = `$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')`;

programTests([
  {
    name: 'ssh, whose master has left its socket behind',
    needs: ['ssh', 'python3'],
    policy: ['--no-outbound-network'],
    // The host is not there: all that is said and done before that counts.
    script: `
      python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("control")'
      ssh -F /dev/null -S control -O check host 2>&1; echo $?
      ssh -F /dev/null -o ControlMaster=no -S control -o ProxyCommand=false host true 2>&1 | grep -i 'control socket'; ls
      ssh -v -F /dev/null -o ControlMaster=auto -S control -o ProxyCommand=false host true 2>&1 | grep -i 'control socket'; ls
    `,
  },
  {
    name: 'socat by Unix sockets, abstract ones, TCP and UDP',
    needs: ['socat', 'python3'],
    policy: ['--no-outbound-network'],
    script: `
      port=${FREE_PORT}; name=$(basename $(mktemp -u)); retry=retry=200,interval=0.02
      echo back > answer
      for where in UNIX:s ABSTRACT:$name TCP:127.0.0.1:$port; do
        listen=$(echo $where | sed 's/:/-LISTEN:/; s/127.0.0.1:\\([0-9]*\\)/\\1,bind=127.0.0.1,reuseaddr/')
        socat -t 5 $listen SYSTEM:'cat > heard; cat answer' & while ! grep -q " $(echo $where | sed 's/UNIX://; s/.*ABSTRACT:/@/; s/TCP:.*/.*/')$" /proc/net/unix; do sleep 0.02; done; echo over | socat -t 5 - $where,$retry; wait; cat heard
      done
      socat -t 5 UDP-RECVFROM:$port,bind=127.0.0.1 SYSTEM:'read x; echo got $x' & while ! grep -qi ":$(printf %04X $port) " /proc/net/udp; do sleep 0.02; done
      echo asked | socat -t 1 - UDP:127.0.0.1:$port; wait
      rm heard; port=${FREE_PORT}
      socat -u UDP-RECV:$port,bind=127.0.0.1 OPEN:heard,creat,trunc & while ! grep -qi ":$(printf %04X $port) " /proc/net/udp; do sleep 0.02; done
      echo thrown | socat -u - UDP-SENDTO:127.0.0.1:$port; while [ ! -s heard ]; do sleep 0.02; done; kill %%; wait; cat heard
      rm -f s
    `,
    volatile: /nothing/,
  },
  {
    name: 'tmux, whose server was killed',
    needs: ['tmux'],
    policy: ['--no-outbound-network'],
    script: `export TMUX_TMPDIR=$PWD LC_ALL=C.UTF-8
tmux -f /dev/null new-session -d -x 80 -y 24 'sleep 100'; pid=$(tmux display-message -p '#{pid}'); kill -KILL $pid; while kill -0 $pid 2> /dev/null; do sleep 0.02; done
tmux list-sessions 2>&1 | sed s,$PWD,DIR,
tmux -f /dev/null new-session -d -x 80 -y 24 'stty size > size; touch end'; for attempt in $(seq 200); do test -e end && break; sleep 0.05; done
cat size; rm -rf tmux-*`,
  },
  {
    name: 'openssl s_server and s_client',
    needs: ['openssl', 'python3'],
    policy: ['--no-outbound-network'],
    script: `
      port=${FREE_PORT}
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=localhost -days 2 2> /dev/null
      openssl s_server -accept 127.0.0.1:$port -key key -cert cert -naccept 1 -rev -quiet > served 2>&1 &
      for attempt in $(seq 200); do grep -qi ":$(printf %04X $port) 00000000:0000 0A" /proc/net/tcp && break; sleep 0.02; done
      (echo abc; sleep 0.3) | openssl s_client -connect 127.0.0.1:$port -CAfile cert -verify_return_error -quiet -no_ign_eof 2> /dev/null; echo $?; wait
      rm key cert served
    `,
  },
  {
    name: 'http.server of Python, and curl',
    needs: ['curl', 'python3'],
    policy: ['--no-outbound-network'],
    script: `
      port=${FREE_PORT}; mkdir site; echo page > site/index.html; echo '{"a": 1}' > site/a.json
      python3 -m http.server --bind 127.0.0.1 --directory site $port > log 2>&1 & server=$!
      curl -sS --noproxy '*' --retry 50 --retry-connrefused --retry-delay 0 http://127.0.0.1:$port/ 2> /dev/null; curl -sS --noproxy '*' http://localhost:$port/a.json -o copy; cat copy
      curl -sS --noproxy '*' -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:$port/missing; kill $server; wait $server; echo $?
      curl -sS --noproxy '*' http://127.0.0.1:$port/ 2>&1 | sed 's/port [0-9]*//; s/after [0-9]* ms//'; echo; rm log
    `,
  },
  {
    name: 'a name service of Python, and dig-like questions',
    needs: ['python3'],
    policy: ['--no-outbound-network'],
    script: `python3 - << 'END'
import asyncio, socket, socketserver, struct, threading
class Names(socketserver.BaseRequestHandler):
    def handle(self):
        question, sock = self.request
        answer = question[:2] + b'\\x81\\x80' + question[4:6] + question[4:6] + bytes(4) + question[12:] + b'\\xc0\\x0c' + struct.pack('>HHIH', 1, 1, 60, 4) + bytes([192, 0, 2, len(question) % 250])
        sock.sendto(answer, self.client_address)
server = socketserver.ThreadingUDPServer(('127.0.0.1', 0), Names); at = server.server_address
threading.Thread(target=server.serve_forever, daemon=True).start()
def question(name): return struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + bytes([0, 0, 1, 0, 1])
for name in ('one.example', 'three.example.org'):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.settimeout(5); s.sendto(question(name), at); print(s.recvfrom(512)[0][-4:])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.settimeout(5); s.connect(at); s.send(question(name)); print(s.recv(512)[-4:], s.getpeername() == at)
class Client(asyncio.DatagramProtocol):
    def __init__(self): self.done = asyncio.get_running_loop().create_future()
    def connection_made(self, transport): transport.sendto(question('async.example'))
    def datagram_received(self, data, address): self.done.set_result(data[-4:])
async def main():
    transport, client = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=at); print(await asyncio.wait_for(client.done, 5)); transport.close()
asyncio.run(main()); server.shutdown(); server.server_close()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.bind(at); print('bound again')
END`,
  },
]);
