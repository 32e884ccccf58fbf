/**
 * The small tools that every script is made of.
 */
import { programTests } from './same.ts';

programTests([
  {
    name: 'fakeroot and dpkg-deb',
    needs: ['fakeroot', 'dpkg-deb'],
    script: `
      set -e
      mkdir -p p/DEBIAN p/usr/share/x
      printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\nDescription: x\\n' > p/DEBIAN/control
      echo one > p/usr/share/x/f
      fakeroot -- sh -c 'chown 12:34 p/usr/share/x/f; id -u; stat -c %u:%g p/usr/share/x/f; dpkg-deb -b p x.deb'
      dpkg-deb --fsys-tarfile x.deb | tar --numeric-owner -tv | grep -o '12/34'
    `,
    volatile: /x\.deb/,
  },
  {
    name: 'bash',
    needs: ['bash'],
    script: `
      set -e
      cat > here <<END
      a here-document with $((1 + 1)) words
END
      cat <<< 'a here-string' >> here
      { echo out; echo err >&2; } > both 2>&1
      echo more &> all; echo again >> all
      exec 5<> readwrite; echo five >&5; exec 5>&-
      set -C; ! echo x > all 2> /dev/null; echo x >| all; set +C
      for f in a b c; do mkdir -p dirs/$f && echo $f > dirs/$f/f; done
      (cd dirs; ls | while read x; do echo "$x"; done) | tee list
      diff <(cat here) here && echo same
      mkfifo pipe; (echo through > pipe &); read x < pipe; echo "$x"
      trap 'echo bye' EXIT
      umask 077; echo secret > secret; umask 022
      wait; [ -f all ] && [ -s both ] && echo done; kill -0 $$ && echo alive
      f() { local IFS=:; echo "$*"; }; f 1 2 3
      sleep 0.1 & wait $!; echo "code $?"
      echo to-null > /dev/null; echo "last" > last; cat here both all readwrite
    `,
    outside: 'cat > new <<< x',
  },
  {
    name: 'coreutils and findutils',
    needs: ['find', 'sed', 'install'],
    script: `
      set -e
      touch -d @1000000000 old; touch new; mkdir -p a/b/c a/b/c; echo one > a/f; echo two > a/b/g
      chmod 600 a/f; chmod -R go-w a; ln -s f a/l; ln a/f a/h
      cp -a a copy; cp -r --preserve=timestamps a copy2; cp -l a/f linked; cp a/b/g plain
      mv copy2 moved; mv moved/f moved/b/; mv -n plain new; mv -f a/b/g new2
      install -D -m 751 a/f deep/er/program; install -d -m 700 private
      sed -i s/one/three/ a/f; sed -i.bak s/one/four/ copy/f
      find . -name '*.bak' -delete; find . -type d | sort; find a -type f -exec chmod 444 {} +
      rm -rf moved; rmdir private; unlink linked; truncate -s 10 sized; split -b 3 sized part
      sort -o a/b/sorted <(seq 5 | tac); tee x y < a/b/sorted; dd if=/dev/zero of=zeros bs=1k count=4 2> /dev/null
      mktemp -d t.XXXXXX > /dev/null; rmdir t.*; ls -l --time-style=+ a | tail -n +2 | cut -c1-10
      mkdir -p a/b && echo again; ln -sfn b a/d; ln -sfn c a/d; readlink a/d; chown $(id -u):$(id -g) a/f
      cat a/f copy/f; stat -c '%n %a %s %Y' old; rm -f no-such-file; ! mkdir a 2>&1
    `,
    outside:
      'touch f 2>&1; sed -i s/one/x/ f; cp f h; mv f d; chmod 600 f; ln f h; rm -rf d; mkdir e; install f e2',
  },
  {
    name: 'tar and gzip',
    needs: ['tar', 'gzip'],
    script: `
      set -e
      mkdir -p in/sub; echo a > in/a; echo b > in/sub/b; ln -s a in/link; ln in/a in/hard; mkfifo in/pipe
      chmod 4755 in/a; chmod 2750 in/sub; chmod 400 in/sub/b; touch -d @1000000000 in/a in/sub/b in/link -h
      tar -cf in.tar in; tar -czf in.tgz in; mkdir out; tar -xpf in.tar -C out; tar -xzf in.tgz -C out
      find out | sort; stat -c '%n %A %Y %h' out/in/a out/in/sub/b out/in/hard
      tar -tvf in.tar | awk '{ print $1, $6 }'; tar -df in.tar; rm in.tar; gzip -9 in/sub/b -c > b.gz; gunzip -c b.gz; rm *gz
      cat out/in/sub/b; tar -C out -cf - . | tar -xf - -C in; ls -R
    `,
    outside: 'tar -cf /dev/stdout f | tar -xf - --one-top-level=x',
  },
  {
    name: 'extended attributes and access lists',
    needs: ['setfattr', 'getfattr', 'setfacl'],
    script: `
      set -e
      echo x > f; setfattr -n user.a -v 1 f; getfattr -d f; setfattr -x user.a f; getfattr -d f
      setfacl -m u:1234:r f; getfacl -cn f; setfacl -b f; cp -a f g; ls -l g | cut -c1-11
    `,
    outside: 'setfattr -n user.a -v 1 f',
  },
]);
