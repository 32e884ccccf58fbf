/**
 * Programs that become another user: what they do then is done with that user's rights, no more and no less.
 */
import { programTests } from './same.ts';

/** What the other user can do, and what only root could: in a directory of its own, in root's, in one for all. */
const AS_THE_OTHER = `id -u; id -g; cd other && echo x > made && mkdir d && mv made d/moved && chmod 640 d/moved && ln -s moved d/link && touch -d @1000000000 d/moved && echo made
  echo y > ../mine/f; echo y > ../mine/new; rm -f ../mine/f; chmod 666 ../mine/f; cat ../private/f; mkdir ../private/d; touch ../mine/f; chown 0 d/moved; chgrp 0 d/moved
  rm ../sticky/f; echo z > ../sticky/own; rm -r d`;

const PREPARE = `mkdir mine private other sticky; echo one > mine/f; echo two > private/f; echo three > sticky/f; chmod 700 private; chmod 1777 sticky; chown 65534:65534 other
  cat > as.sh <<'END'
${AS_THE_OTHER}
END
`;

programTests([
  {
    name: 'setpriv',
    needs: ['setpriv'],
    rootOnly: true,
    script: `${PREPARE} setpriv --reuid 65534 --regid 65534 --clear-groups sh as.sh 2>&1
      setpriv --euid 65534 --egid 65534 --clear-groups sh as.sh 2>&1; setpriv --reuid 65534 --regid 65534 --groups 4,7 --no-new-privs id -G
      echo x > private/new; setpriv --rgid 7 --clear-groups touch sticky/group`,
  },
  {
    name: 'su, runuser and gosu',
    needs: ['su', 'runuser', 'gosu'],
    rootOnly: true,
    script: `${PREPARE} su -s /bin/sh nobody -c '. ./as.sh' 2>&1; runuser -u nobody -- sh as.sh 2>&1; gosu nobody sh as.sh 2>&1; gosu 65534:7 id
      su -s /bin/bash nobody -c 'exit 7'; echo $?`,
  },
  {
    name: 'start-stop-daemon',
    needs: ['start-stop-daemon'],
    rootOnly: true,
    script: `${PREPARE} start-stop-daemon --start --pidfile $PWD/none --chuid nobody:nogroup --chdir $PWD --exec /bin/sh -- as.sh 2>&1
      start-stop-daemon --start --background --make-pidfile --pidfile $PWD/pid --chuid nobody --startas /bin/sleep -- 100
      for i in $(seq 200); do [ -s pid ] && [ "$(awk '/^Uid/ { print $3 }' /proc/$(cat pid)/status)" = 65534 ] && break; sleep 0.05; done
      awk '/^Uid/ { print $2, $3 }' /proc/$(cat pid)/status; start-stop-daemon --stop --oknodo --pidfile $PWD/pid --retry 5; echo $?; rm pid`,
  },
  {
    name: 'python that changes who it is, and back',
    needs: ['python3'],
    rootOnly: true,
    script: `${PREPARE} cat > who.py <<'END'
import os, subprocess, threading
def attempt(name, go):
    try: print(name, go())
    except OSError as e: print(name, e.strerror)
def all(title):
    print(title, os.getresuid(), os.getresgid())
    attempt('own', lambda: open('other/f', 'w').write('x')); attempt('mine', lambda: open('mine/g', 'w').write('x')); attempt('private', lambda: os.listdir('private'))
    attempt('chmod', lambda: os.chmod('other/f', 0o600)); attempt('unlink', lambda: os.unlink('other/f')); attempt('mkdir', lambda: os.mkdir('private/d')); attempt('chown', lambda: os.chown('mine/f', 0, 0))
    attempt('child', lambda: subprocess.run(['id', '-u'], capture_output=True).stdout)
all('root')
os.setegid(65534); os.seteuid(65534); all('as another'); os.seteuid(0); os.setegid(0); os.rmdir('private/d'); all('back')
if os.fork() == 0: os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534); all('for good'); attempt('back', lambda: os.setuid(0)); os._exit(0)
os.wait(); t = threading.Thread(target=all, args=('in a thread',)); os.rmdir('private/d'); t.start(); t.join()
print(subprocess.run(['sh', 'as.sh'], user=65534, group=65534, extra_groups=[], capture_output=True))
END
      python3 -u who.py`,
  },
  {
    name: 'apt, which fetches as _apt',
    once: true,
    needs: ['apt-get', 'dpkg-deb', 'sha256sum'],
    works: 'id _apt',
    rootOnly: true,
    script: `set -e; umask 022; mkdir -p p/DEBIAN p/share lists/partial cache/archives/partial repo down; printf 'Package: small\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\nDescription: small\\n' > p/DEBIAN/control; echo x > p/share/x
      SOURCE_DATE_EPOCH=1000000000 dpkg-deb --root-owner-group -b p repo/small_1_all.deb > /dev/null; (cd repo; d=small_1_all.deb; dpkg-deb -f $d > Packages; echo "Filename: ./$d" >> Packages; echo "Size: $(stat -c %s $d)" >> Packages; echo "SHA256: $(sha256sum $d | cut -c1-64)" >> Packages); rm -r p; echo "deb [trusted=yes] copy:$PWD/repo ./" > sources
      o="-qq -o Dir::State=$PWD -o Dir::State::lists=$PWD/lists -o Dir::State::status=/dev/null -o Dir::Cache=$PWD/cache -o Dir::Etc::sourcelist=$PWD/sources -o Dir::Etc::sourceparts=/dev/null"
      apt-get $o update; cd down; apt-get $o download small; ls; stat -c '%u %a' *; cd ..; rm -r cache lists repo`,
  },
]);
