/** node-pty, the terminal of editors and agents, which npm compiles. */
import { programTests } from '../same.ts';

programTests([
  {
    name: 'node-pty',
    once: true,
    needs: ['node'],
    works: 'node -e "require(process.env.SECFILTER_NODE_PTY)"',
    script: String.raw`cat > go.cjs << 'END'
const pty = require(process.env.SECFILTER_NODE_PTY);
function run(name, words, size, act) {
  return new Promise((done) => {
    const terminal = pty.spawn(name, words, { ...size, cwd: process.cwd(), env: { ...process.env, PS1: '> ', HISTFILE: '' } });
    let text = '';
    terminal.onData((data) => { text += data; act(terminal, text); });
    terminal.onExit(({ exitCode, signal }) => { console.log(text.split('\r\n').filter((line) => /^(?:ready$|got |tty$|code |\d+ \d+$)/.test(line)), exitCode, signal); done(); });
  });
}
(async () => {
  const steps = (list) => {
    let [at, seen] = [0, 0];
    return (terminal, text) => {
      if (list[at] === undefined || !text.slice(seen).includes(list[at][0])) return;
      seen = text.length;
      if (at === 0) terminal.resize(100, 30);
      terminal.write(list[at++][1]);
    };
  };
  const script = 'echo ready; read line; stty size; echo got $line; echo tty > /dev/tty; read line; exit 3';
  await run('sh', ['-c', script], { cols: 80, rows: 24 }, steps([['ready', 'typed\r'], ['tty\r\n', '\r']]));
  // The key that interrupts, and a job that is stopped and goes on.
  const session = [['> ', 'sh -c "echo ready; exec sleep 100"; echo no\r'], ['\r\nready', '\x03'], ['> ', 'echo code $?\r'],
    ['\n> ', 'sh -c "kill -STOP \\$\\$; exit 5"; fg > out\r'], ['\n> ', 'echo code $?; stty size\r'], ['\n> ', 'exit 4\r']];
  await run('bash', ['--norc', '--noprofile', '--noediting', '-i'], { cols: 33, rows: 11 }, steps(session));
})();
END
node go.cjs`,
  },
]);
