/**
 * Interpreters and what they do with threads, processes and files.
 */
import { programTests } from './same.ts';

programTests([
  {
    name: 'python with threads',
    needs: ['python3'],
    script: `
      mkdir out; cat > threads.py <<'END'
import os, threading, tempfile, shutil, subprocess, pathlib
def work(n):
    for i in range(20):
        path = f'out/{n}.{i}'
        with open(path, 'w') as f: f.write(str(n * i))
        os.rename(path, path + '.done'); os.utime(path + '.done', (1000000000, 1000000000)); os.chmod(path + '.done', 0o640)
threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
for t in threads: t.start()
for t in threads: t.join()
print(sum(int(pathlib.Path('out', x).read_text()) for x in os.listdir('out')), len(os.listdir('out')))
with tempfile.TemporaryDirectory() as d:
    (pathlib.Path(d) / 'x').write_text('y'); shutil.copytree(d, 'copied')
with tempfile.TemporaryFile() as f: f.write(b'nameless'); f.seek(0); print(f.read())
with tempfile.NamedTemporaryFile() as f: f.write(b'named'); print(f.name.startswith(os.environ['TMPDIR']))
print(subprocess.run(['bash', '-c', 'echo sub; exit 3'], capture_output=True))
END
      python3 threads.py
    `,
    outside: `python3 -c "open('new', 'w')"`,
  },
  {
    name: 'python with multiprocessing',
    needs: ['python3'],
    script: `
      cat > many.py <<'END'
import multiprocessing as mp, os
def work(n):
    with open('results', 'a') as f: f.write(f'{n}\\n')
    return n * n
if __name__ == '__main__':
    for method in ('fork', 'spawn', 'forkserver'):
        with mp.get_context(method).Pool(4) as pool: print(method, sum(pool.map(work, range(40))))
    q = mp.Queue(); p = mp.Process(target=q.put, args=('hello',)); p.start(); print(q.get()); p.join(); print(p.exitcode)
    with mp.Manager() as m: d = m.dict(); d['a'] = 1; print(dict(d))
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=8); s.buf[0] = 7; print(shared_memory.SharedMemory(s.name).buf[0]); s.close(); s.unlink()
    print(len(open('results').readlines()))
END
      python3 many.py; sort -n results | md5sum; rm results
    `,
    volatile: /__pycache__|pymp/,
  },
  {
    name: 'node',
    needs: ['node'],
    script: `
      cat > fs.mjs <<'END'
import * as fs from 'node:fs'; import { Worker } from 'node:worker_threads'; import { execFileSync, spawnSync } from 'node:child_process';
fs.mkdirSync('a/b/c', { recursive: true }); fs.writeFileSync('a/f', 'one'); fs.appendFileSync('a/f', 'two');
fs.copyFileSync('a/f', 'a/g'); fs.cpSync('a', 'copied', { recursive: true }); fs.renameSync('a/g', 'a/h'); fs.linkSync('a/h', 'a/i');
fs.symlinkSync('h', 'a/l'); fs.chmodSync('a/h', 0o600); fs.utimesSync('a/h', 1e9, 1e9); fs.lutimesSync('a/l', 1e9, 1e9); fs.truncateSync('a/f', 2);
const fd = fs.openSync('a/f', 'r+'); fs.ftruncateSync(fd, 1); fs.fchmodSync(fd, 0o640); fs.futimesSync(fd, 1e9, 1e9); fs.fsyncSync(fd); fs.closeSync(fd);
fs.rmSync('copied', { recursive: true }); const d = fs.mkdtempSync('t-'); fs.rmdirSync(d); fs.accessSync('a/h', fs.constants.W_OK);
await Promise.all(Array.from({ length: 50 }, (_, i) => fs.promises.writeFile('a/p' + i, String(i)).then(() => fs.promises.chmod('a/p' + i, 0o600))));
const stream = fs.createWriteStream('a/stream'); await new Promise((r) => stream.end('streamed', r)); const w = fs.watch('a'); w.close();
console.log(fs.readdirSync('a').length, fs.readFileSync('a/stream', 'utf8'), execFileSync('bash', ['-c', 'echo child']).toString().trim());
await new Promise((r) => new Worker("require('fs').writeFileSync('a/w', 'worker')", { eval: true }).on('exit', r));
try { fs.mkdirSync('a'); } catch (e) { console.log(e.code); }
try { fs.rmdirSync('a'); } catch (e) { console.log(e.code); }
END
      node fs.mjs
    `,
    outside: `node -e "require('fs').appendFileSync('f', 'x')"`,
  },
  {
    name: 'sqlite with a write-ahead log',
    needs: ['sqlite3'],
    script: `
      sqlite3 db 'pragma journal_mode=wal; create table t(a integer); insert into t values (1), (2); select sum(a) from t;'
      for i in 1 2 3 4; do sqlite3 -cmd '.timeout 20000' db "insert into t values ($i); insert into t values ($i);" & done; wait
      sqlite3 db 'begin immediate; update t set a = a + 1; commit; select count(*), sum(a) from t; vacuum; pragma integrity_check;'
      sqlite3 db 'pragma journal_mode=delete; create index i on t(a); .dump' | wc -l; sqlite3 db '.backup copy'; sqlite3 copy 'select count(*) from t'
      rm db copy
    `,
    outside: "sqlite3 db 'create table t(a)'",
  },
]);
