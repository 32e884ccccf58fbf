/** A login server of one's own, inside: as root and as an ordinary user, who then logs in as himself; and programs that are built for it. */
import { programTests } from '../same.ts';

const FREE_PORT = `$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')`;

programTests([
  {
    name: 'sshd and ssh, by a key, with a master that is used again',
    needs: ['/usr/sbin/sshd', 'ssh', 'ssh-keygen', 'python3'],
    policy: ['--no-outbound-network'],
    once: true,
    script: `
      set -e; port=${FREE_PORT}; umask 077
      ssh-keygen -q -t ed25519 -N '' -f hostkey; ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub authorized
      printf '%s\\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $PWD/hostkey" "PidFile $PWD/pid" "AuthorizedKeysFile $PWD/authorized" 'StrictModes no' 'UsePAM no' 'PasswordAuthentication no' 'PermitRootLogin yes' 'Subsystem sftp internal-sftp' > conf
      /usr/sbin/sshd -D -f conf -E errors & server=$!
      for attempt in $(seq 200); do [ -s pid ] && break; sleep 0.05; done
      to="-F /dev/null -i key -p $port -o UserKnownHostsFile=$PWD/known -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR -o ControlPath=$PWD/control"
      ssh $to 127.0.0.1 'id -u; echo out; echo err >&2; exit 3' || echo $?
      python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("control")'
      ssh $to -o ControlMaster=auto -o ControlPersist=30 127.0.0.1 'echo by the master'
      ssh $to 127.0.0.1 'cat' <<< 'through it'; ssh $to -O exit 127.0.0.1 2>&1
      ssh $to -tt 127.0.0.1 'test -t 0 && stty size; tty | tr -d 0-9' < /dev/null
      kill $server; wait $server || true; rm -f hostkey* key* known errors conf authorized pid control
    `,
    timeout: 180_000,
  },
  {
    name: 'Go, whose listeners and connections are MPTCP where there is that',
    needs: ['go'],
    policy: ['--no-outbound-network'],
    once: true,
    script: `
      set -e; export GOCACHE=$PWD/cache GOPATH=$PWD/path GOFLAGS=-mod=mod GOTOOLCHAIN=local GOENV=off GOTELEMETRY=off
      mkdir main; cd main; printf 'module example.org/main\\ngo 1.21\\n' > go.mod
      cat > main.go <<'END'
package main

import ("bufio"; "context"; "fmt"; "net")

func main() {
	config := net.ListenConfig{}; config.SetMultipathTCP(true)
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	go func() { for { c, err := listener.Accept(); if err != nil { return }; line, _ := bufio.NewReader(c).ReadString('\\n'); fmt.Fprint(c, "heard ", line); c.Close() } }()
	for _, multipath := range []bool{false, true} {
		dialer := net.Dialer{}; dialer.SetMultipathTCP(multipath)
		c, err := dialer.Dial("tcp", listener.Addr().String())
		if err != nil { panic(err) }
		fmt.Fprintln(c, "dialled"); line, _ := bufio.NewReader(c).ReadString('\\n'); fmt.Print(line); c.Close()
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil { panic(err) }
	c, err := net.Dial("udp", packets.LocalAddr().String())
	if err != nil { panic(err) }
	fmt.Fprint(c, "datagram"); b := make([]byte, 99); n, from, _ := packets.ReadFrom(b); packets.WriteTo(b[:n], from); n, _ = c.Read(b); fmt.Println(string(b[:n]))
}
END
      go build -trimpath -o program .; ./program; cd ..; chmod -R u+w .; rm -rf cache path main .config
    `,
    timeout: 300_000,
  },
]);
