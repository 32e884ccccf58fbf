/** Go, which makes its listeners and connections MPTCP where there is that. */
import { programTests } from '../same.ts';

programTests([
  {
    name: 'a server and a client in Go, with MPTCP where there is that',
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
