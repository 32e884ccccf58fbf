/**
 * What developers do all day: version control, packages, compilers.
 */
import { programTests } from './same.ts';

programTests([
  {
    name: 'git',
    needs: ['git'],
    script: `
      set -e
      git init -q -b main repo; cd repo; git config gc.auto 0
      for i in 1 2 3; do echo $i > f$i; git add -A; git commit -qm "commit $i"; done
      git checkout -q -b side HEAD~1; echo side > s; git add s; git commit -qm side; git checkout -q main; git merge -q -m merged side
      git log --oneline --graph; git tag v1; git stash list; echo dirty >> f1; git stash -q; git stash pop -q; git checkout -q f1
      git mv f1 moved; git rm -q f2; git commit -qm moved; git gc -q; git fsck --strict 2>&1
      cd ..; git clone -q repo cloned; git clone -q --bare repo bare.git; git -C cloned log --oneline | wc -l; git -C cloned status --short
      echo more > cloned/more; git -C cloned add more; git -C cloned commit -qm more; git -C cloned push -q ../bare.git main; git -C bare.git rev-parse main
      git -C repo worktree add -q ../tree v1; ls tree; rm -rf repo cloned bare.git
    `,
    outside: 'git init . 2>&1',
    volatile: /tree/,
  },
  {
    name: 'npm',
    needs: ['npm'],
    script: `
      set -e
      mkdir -p pkg/lib app; cd pkg
      echo '{"name":"pkg","version":"1.0.0","bin":{"pkg":"lib/cli.js"},"scripts":{"postinstall":"echo ran > installed"}}' > package.json
      echo '#!/usr/bin/env node' > lib/cli.js; echo 'console.log("pkg runs")' >> lib/cli.js
      npm pack --silent; cd ../app; echo '{"name":"app","version":"1.0.0","scripts":{"test":"pkg && echo tested"}}' > package.json
      npm install --silent --no-audit --no-fund --cache ../cache ../pkg/pkg-1.0.0.tgz; npm test --silent --cache ../cache
      cat node_modules/pkg/installed; npm install --silent --no-audit --no-fund --cache ../cache file:../pkg; ls node_modules; ls -d node_modules/.bin/*
      rm -rf ../cache ../app ../pkg ../.npm
    `,
    outside: `mkdir "$TMPDIR/p"; echo '{"name":"p","version":"1.0.0"}' > "$TMPDIR/p/package.json"
      npm install --no-audit --no-fund --cache "$TMPDIR/c" "$TMPDIR/p"`,
    timeout: 180_000,
  },
  {
    name: 'make and gcc',
    needs: ['make', 'gcc', 'ar'],
    script: `
      set -e
      for i in 1 2 3 4 5 6; do echo "int f$i(void) { return $i; }" > f$i.c; done
      echo '#include <stdio.h>
      int f1(void), f2(void), f3(void), f4(void), f5(void), f6(void);
      int main(void) { printf("%d\\n", f1() + f2() + f3() + f4() + f5() + f6()); return 0; }' > main.c
      printf 'OBJ = f1.o f2.o f3.o f4.o f5.o f6.o\\nall: main\\nlib.a: $(OBJ)\\n\\tar rcs $@ $^\\nmain: main.o lib.a\\n\\t$(CC) -o $@ $^\\nclean:\\n\\trm -f *.o lib.a main\\n' > Makefile
      make -s -j2; ./main; touch f3.c; make -s -j2; ./main; make -s clean; ls; make -s -j2 CFLAGS=-O2; strip main; ./main; make -s clean
    `,
    outside: "echo 'all: ; echo x > new' | make -f -",
  },
]);
