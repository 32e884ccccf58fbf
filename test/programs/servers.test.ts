/**
 * Programs that begin as root and go on as somebody else; for an ordinary user they stay who they are.
 */
import { programTests } from './same.ts';

/** A port that nobody has, which the sandbox's own processes reach each other by. */
const FREE_PORT = `$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')`;

programTests([
  {
    name: 'nginx, its workers another user',
    needs: ['nginx', 'curl', 'python3'],
    policy: ['--no-outbound-network'],
    script: `
      set -e
      port=${FREE_PORT}; mkdir html body tmp; echo hello > html/index.html; echo secret > html/closed; chmod 600 html/closed
      cat > conf <<END
user nobody nogroup;
worker_processes 2; pid $PWD/pid; error_log $PWD/errors error;
events { worker_connections 64; }
http {
  access_log $PWD/access;
  client_body_temp_path $PWD/body; proxy_temp_path tmp/p; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u; scgi_temp_path tmp/s;
  server { listen 127.0.0.1:$port; root $PWD/html; client_body_in_file_only on; location /up { proxy_pass http://unix:$PWD/back; } }
  server { listen unix:$PWD/back; location / { return 200 "from behind "; } }
}
END
      nginx -p $PWD -c $PWD/conf -e $PWD/errors
      curl -sS --noproxy '*' http://127.0.0.1:$port/; curl -sS --noproxy '*' --data-binary 'a body' http://127.0.0.1:$port/up
      curl -sS --noproxy '*' -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:$port/closed
      stat -c '%u %a %s' body/*; cat body/*; rm body/*
      nginx -p $PWD -c $PWD/conf -e $PWD/errors -s reload; curl -sS --noproxy '*' --retry 5 --retry-connrefused http://127.0.0.1:$port/
      nginx -p $PWD -c $PWD/conf -e $PWD/errors -s quit; for i in $(seq 200); do [ -e pid ] || break; sleep 0.05; done; ls
      grep -c 'Permission denied' errors || true; grep -c HTTP access; rm conf access errors
    `,
    volatile: /tmp/,
  },
  {
    name: 'memcached -u',
    needs: ['memcached', 'python3'],
    policy: ['--no-outbound-network'],
    script: `
      set -e
      port=${FREE_PORT}; chmod 777 .; memcached -u nobody -d -m 8 -t 2 -l 127.0.0.1 -p $port -P $PWD/pid
      cat > talk.py <<'END'
import socket, sys, time
for _ in range(200):
    try: s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); break
    except ConnectionRefusedError: time.sleep(0.05)
f = s.makefile('rwb', 0); f.write(b'set k 0 0 5\\r\\nvalue\\r\\n'); print(f.readline()); f.write(b'get k\\r\\n'); print(*[f.readline() for _ in range(3)])
END
      python3 talk.py $port; for i in $(seq 200); do [ -s pid ] && break; sleep 0.05; done
      p=$(cat pid); awk '/^Uid|^Gid/ { print $1, $2, $3, $4, $5 }' /proc/$p/status; kill -KILL $p; for i in $(seq 200); do kill -0 $p 2> /dev/null || break; sleep 0.05; done; rm -f pid
    `,
  },
]);
