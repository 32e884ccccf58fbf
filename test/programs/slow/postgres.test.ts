/** A database server: shared memory of both kinds, semaphores, sockets, many processes; it runs for nobody who is root. */
import { isRoot } from '../../support/environment.ts';
import { programTests } from '../same.ts';

/** Debian keeps it out of PATH. */
const BIN = `bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); [ -x "$bin/initdb" ]`;

/** What is written by four clients at a time, and read after a restart and after a crash. */
const script = (memory: string): string => `
  set -e
  ${BIN}
  start() { "$bin/pg_ctl" -D data -s -w -l log -o "-k $PWD -c listen_addresses='' -c max_connections=20 -c shared_buffers=8MB ${memory}" start; }
  ask() { psql -h "$PWD" -U me -d postgres -qAt -v ON_ERROR_STOP=1 -c "$1"; }
  trap '[ ! -e data/postmaster.pid ] || "$bin/pg_ctl" -D data -s -m immediate stop' EXIT
  "$bin/initdb" -D data -U me -A trust --no-sync --locale=C --encoding=UTF8 | grep -c ok
  start
  ask 'create table t (client int, n int); create unlogged table u (n int)'
  for client in 1 2 3 4; do (for n in $(seq 10); do echo "insert into t values ($client, $n);"; done; echo "select pg_sleep(0.1), count(*) from t where client = $client;") | psql -h "$PWD" -U me -d postgres -qAt -v ON_ERROR_STOP=1 & clients="$clients $!"; done
  for client in $clients; do wait $client; done
  ask 'set max_parallel_workers_per_gather = 4; set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; select client, sum(n) from t group by 1 order by 1'
  ask "copy (select 'to a file') to '$PWD/copied'"; cat copied; rm copied
  ask "select name, setting from pg_settings where name in ('shared_memory_type', 'dynamic_shared_memory_type') order by 1"
  "$bin/pg_ctl" -D data -s -w -m fast stop; start; ask 'select count(*) from t'
  "$bin/pg_ctl" -D data -s -w -m immediate stop; start; ask 'select count(*) from t'; ask 'vacuum full t'; ask 'drop table t'
  "$bin/pg_ctl" -D data -s -w stop; echo $?; rm -r data log`;

/** From root: the server is somebody else. */
const asNobody = (text: string): string =>
  `chmod 777 .; cat > script <<'END'\n${text}\nEND\nexport HOME=$PWD; gosu 65534:65534 bash script; code=$?; rm script; exit $code`;

programTests(
  [
    { title: 'POSIX shared memory', memory: '', once: false },
    {
      title: 'System V shared memory',
      memory: '-c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv',
      once: true,
    },
  ].map(({ title, memory, once }) => ({
    name: `postgres, ${title}`,
    once,
    needs: isRoot ? ['psql', 'gosu'] : ['psql'],
    works: BIN,
    script: isRoot ? asNobody(script(memory)) : script(memory),
    timeout: 180_000,
  })),
);
