/**
 * Histories that are written anew with editors, and test runners that start others.
 */
import { programTests } from './same.ts';

programTests([
  {
    name: 'git rebase -i',
    once: true,
    needs: ['git', 'sed'],
    script: `
      set -e
      git init -q -b main .; git config gc.auto 0; for i in 1 2 3 4 5; do echo $i > f$i; git add f$i; git commit -qm "commit $i"; done
      GIT_SEQUENCE_EDITOR="sed -i -e '2s/pick/squash/' -e '3s/pick/reword/' -e '4s/pick/edit/'" GIT_EDITOR="sed -i -e 's/commit 4/worded anew/'" git rebase -i HEAD~4 2>&1
      echo more > f5; git commit -qa --amend -m amended; git rebase --continue 2>&1; git log --stat --format=%s; git status --short
      git checkout -q -b side HEAD~1; echo x > f5; git add f5; git commit -qm side; ! git rebase main 2>&1; git rebase --abort; git log --format=%H | head -1
      echo y > f5; git commit -qam fix --fixup HEAD; GIT_SEQUENCE_EDITOR=: git rebase -i --autosquash --exec 'test -f f5 && echo run' HEAD~2 2>&1; git log --format=%s; git fsck --strict 2>&1
      rm -rf .git
    `,
  },
  {
    name: 'pytest -n2',
    once: true,
    needs: ['/usr/bin/python3'],
    works: '/usr/bin/python3 -c "import pytest, xdist"',
    script: `
      cat > test_it.py <<'END'
import os, pytest, tempfile, subprocess
@pytest.mark.parametrize('n', range(12))
def test_write(n, tmp_path, worker_id):
    (tmp_path / 'f').write_text(str(n)); assert (tmp_path / 'f').read_text() == str(n); assert worker_id in ('gw0', 'gw1')
    with open('ran', 'a') as f: f.write(f'{n}\\n')
def test_fails(capfd): subprocess.run(['echo', 'said']); out = capfd.readouterr().out; assert out == 'else'
def test_lock():
    import multiprocessing as mp; lock = mp.Lock()
    with lock: assert not lock.acquire(False)
END
      PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -n2 -q -p no:cacheprovider --basetemp=t test_it.py | sed -E -e 's/in [0-9.]+s//' -e 's/0x[0-9a-f]+//' -e '/^\\[gw/s/gw./gwN/' > out; grep -vE '^(bringing|gw|\\.|F|\\[)' out; sort -n ran | md5sum; rm -r t ran out
    `,
  },
]);
