/**
 * Package managers, compilers and a display that take too long, or too much room, for every run of the suite.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

import { programTests } from '../same.ts';

/** What rustup installed for the user who runs the tests: the program's own home is the test's directory. */
const RUSTUP = `export RUSTUP_HOME=\${RUSTUP_HOME:-'${join(homedir(), '.rustup')}'}`;

const PACKAGE = `
  mkdir -p pkg app; cd pkg; echo '{"name":"pkg","version":"1.0.0","bin":{"pkg":"run.js"},"scripts":{"postinstall":"node post.js"}}' > package.json
  echo 'require("fs").writeFileSync("installed", "by " + process.env.npm_lifecycle_event)' > post.js
  printf '#!/usr/bin/env node\\nconsole.log("runs")\\n' > run.js; chmod +x run.js; mkdir ../tgz; tar --mtime=@1000000000 -czf ../tgz/pkg.tgz --transform 's,^,package/,' package.json post.js run.js; cd ../app
  export CI=1 PREFIX=$PWD/../prefix npm_config_cache=$PWD/../cache XDG_CACHE_HOME=$PWD/../xdg XDG_DATA_HOME=$PWD/../xdg XDG_STATE_HOME=$PWD/../xdg XDG_CONFIG_HOME=$PWD/../xdg
`;

/** A package of Python's, as it is installed. */
const WHEEL = `cat > zip.py <<'END'
import zipfile
with zipfile.ZipFile('other-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('other.py', 'def main(): print("other runs")\\n')
    z.writestr('other-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: other\\nVersion: 1.0\\n'); z.writestr('other-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('other-1.0.dist-info/entry_points.txt', '[console_scripts]\\nother = other:main\\n'); z.writestr('other-1.0.dist-info/RECORD', '')
END
      python3 zip.py; rm zip.py`;

programTests([
  {
    name: 'npm with a script that compiles',
    once: true,
    needs: ['npm', 'make', 'gcc'],
    script: `
      set -e
      mkdir -p pkg app; cd pkg; printf 'all:\\n\\tgcc -o native native.c\\n' > Makefile; echo 'int main(void) { return 3; }' > native.c; export npm_config_cache=$PWD/../cache
      echo '{"name":"pkg","version":"1.0.0","bin":"run.js","scripts":{"preinstall":"node pre.js","install":"make -s","postinstall":"./native; echo $? > code"}}' > package.json
      echo 'require("fs").writeFileSync("pre", process.env.npm_lifecycle_event + require("child_process").execSync("id -u"))' > pre.js
      printf '#!/usr/bin/env node\\nconsole.log("runs")\\n' > run.js
      npm pack --silent; cd ../app; echo '{"name":"app","version":"1.0.0"}' > package.json; npm install --no-audit --no-fund --silent --foreground-scripts ../pkg/pkg-1.0.0.tgz
      cat node_modules/pkg/pre node_modules/pkg/code; npm exec --offline -- pkg; npm ci --no-audit --no-fund --silent; cat node_modules/pkg/code; cd ..; rm -rf cache .npm app/node_modules/pkg/native
    `,
    timeout: 180_000,
  },
  {
    name: 'pnpm',
    once: true,
    needs: ['pnpm'],
    script: `set -e; ${PACKAGE}
      echo '{"name":"app","version":"1.0.0","dependencies":{"pkg":"file:../tgz/pkg.tgz"},"pnpm":{"onlyBuiltDependencies":["pkg"]}}' > package.json
      pnpm install --offline --no-frozen-lockfile --reporter=silent --store-dir=../store; cat node_modules/pkg/installed; pnpm exec pkg; readlink node_modules/pkg
      rm -rf node_modules; pnpm install --offline --frozen-lockfile --reporter=silent --store-dir=../store; pnpm exec pkg; cd ..; rm -rf store xdg cache .local .cache app/node_modules/.modules.yaml app/node_modules/.pnpm* app/node_modules/.cache`,
    volatile: /workspace-state/,
    timeout: 300_000,
  },
  {
    name: 'yarn',
    once: true,
    needs: ['yarn'],
    script: `set -e; ${PACKAGE}
      echo '{"name":"app","version":"1.0.0","license":"MIT","dependencies":{"pkg":"file:../tgz/pkg.tgz"}}' > package.json
      yarn install --offline --silent --no-progress --cache-folder ../yarn-cache; cat node_modules/pkg/installed; yarn --silent run pkg
      rm -rf node_modules; yarn install --offline --silent --frozen-lockfile --cache-folder ../yarn-cache; yarn --silent run pkg; cd ..; rm -rf xdg prefix cache yarn-cache .yarn* .cache .config .local`,
    volatile: /v8-compile-cache|^yarn--/,
    timeout: 300_000,
  },
  {
    name: 'pip in a virtual environment',
    once: true,
    needs: ['python3'],
    works: 'python3 -c "import ensurepip, venv"',
    script: `
      set -e
      python3 -m venv env; mkdir -p src/small; echo 'def main(): print("small runs")' > src/small/__init__.py
      cat > src/pyproject.toml <<'END'
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "small"
version = "1.0"
[project.scripts]
small = "small:main"
END
      cat > src/setup.py <<'END'
import os, setuptools; open('built', 'w').write(str(os.getuid())); setuptools.setup()
END
      ${WHEEL}
      env/bin/pip --disable-pip-version-check --no-cache-dir install -q --no-index ./other-1.0-py3-none-any.whl; env/bin/other
      if env/bin/python -c 'import setuptools, wheel' 2> /dev/null; then echo sdist; env/bin/pip --disable-pip-version-check --no-cache-dir install -q --no-index --no-build-isolation ./src; env/bin/small; else (cd src; ../env/bin/python setup.py -q install 2> /dev/null || echo no setuptools); fi
      env/bin/pip --disable-pip-version-check list 2> /dev/null; env/bin/pip uninstall -q -y other; env/bin/python -c 'import other' 2>&1 | tail -1; find env -name '*.py' | wc -l; rm -rf env src/build other*.whl src/dist src/*.egg-info
    `,
    timeout: 300_000,
  },
  {
    name: 'uv',
    once: true,
    needs: ['uv', 'python3'],
    script: `
      set -e; export UV_CACHE_DIR=$PWD/cache UV_OFFLINE=1 UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never
      ${WHEEL}
      python=$(python3 -c 'import sys; print(sys.executable)'); for env in one two; do uv venv -q --python $python $env; uv pip install -q --python $env/bin/python --no-index ./other-1.0-py3-none-any.whl; $env/bin/other; done
      stat -c %h one/lib/python*/site-packages/other.py; uv pip list -q --python one/bin/python; uv pip uninstall -q --python one/bin/python other; ! one/bin/python -c 'import other' 2> /dev/null; find two -type f | sed 's/python3[.][0-9]*/python/' | sort; uv cache clean -q; rm -rf one two cache other*.whl
    `,
    timeout: 300_000,
  },
  {
    name: 'go build',
    once: true,
    needs: ['go'],
    script: `
      set -e
      export GOCACHE=$PWD/cache GOPATH=$PWD/path GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOTELEMETRY=off; mkdir dep main; printf 'module dep\\n' > dep/go.mod; printf 'package dep\\nfunc Say() string { return "dep" }\\n' > dep/dep.go
      cd main; printf 'module main\\nrequire dep v0.0.0\\nreplace dep => ../dep\\n' > go.mod
      printf 'package main\\nimport ("dep"; "fmt"; "os")\\nfunc main() { fmt.Println(dep.Say()); os.WriteFile("ran", nil, 0o600) }\\n' > main.go
      printf 'package main\\nimport "testing"\\nfunc TestIt(t *testing.T) { t.TempDir() }\\n' > main_test.go
      go build -trimpath -o program .; ./program; md5sum program; go vet .; go test . | cut -f1-2; go run .; cd ..; chmod -R u+w .; rm -rf cache path main/program .config
    `,
    timeout: 600_000,
  },
  {
    name: 'cargo build',
    once: true,
    needs: ['cargo'],
    works: `${RUSTUP}; cd /; cargo --version && rustc --version`,
    script: `
      set -e; ${RUSTUP}; export CARGO_HOME=$PWD/cargo CARGO_INCREMENTAL=1 USER=a
      mkdir -p dep/src app/src; printf '[package]\\nname = "dep"\\nversion = "0.1.0"\\nedition = "2018"\\n' > dep/Cargo.toml
      echo "pub fn say() -> String { String::from(env!(\\"BUILT\\")) }" > dep/src/lib.rs; echo 'fn main() { println!("cargo:rustc-env=BUILT=by-a-script"); std::fs::write(std::env::var("OUT_DIR").unwrap() + "/made", "x").unwrap(); }' > dep/build.rs
      printf '[package]\\nname = "app"\\nversion = "0.1.0"\\nedition = "2018"\\n[dependencies]\\ndep = { path = "../dep" }\\n' > app/Cargo.toml; echo 'fn main() { println!("{}", dep::say()); } #[test] fn it() { assert_eq!(dep::say(), "by-a-script"); }' > app/src/main.rs
      cd app; cargo build --offline -q; cargo run --offline -q; cargo test --offline -q 2>&1 | grep -o 'test result: ok. 1 passed'; touch src/main.rs; cargo build --offline -q; target/debug/app; cargo clean -q; cd ..; rm -rf cargo
    `,
    timeout: 600_000,
  },
  {
    name: 'javac and java',
    once: true,
    needs: ['javac', 'java', 'jar'],
    script: `
      set -e
      mkdir -p src/p out; echo 'package p; public class A { public static String say() { return "A says " + new Object() { public String toString() { return "inner"; } }; } }' > src/p/A.java
      echo 'import java.nio.file.*; public class Main { public static void main(String[] a) throws Exception { System.out.println(p.A.say()); Files.writeString(Path.of("written"), "x"); Files.move(Path.of("written"), Path.of("moved")); } }' > src/Main.java
      unset JAVA_TOOL_OPTIONS; javac -J-XX:-UsePerfData -d out src/p/A.java src/Main.java; java -XX:-UsePerfData -cp out Main; jar -J-XX:-UsePerfData --create --no-manifest --file a.jar -C out .; rm moved; java -XX:-UsePerfData -cp a.jar Main; rm a.jar
    `,
  },
  {
    name: 'cmake',
    once: true,
    needs: ['cmake', 'make', 'gcc'],
    script: `
      set -e
      printf 'cmake_minimum_required(VERSION 3.10)\\nproject(p C)\\nadd_library(l l.c)\\nadd_executable(e e.c)\\ntarget_link_libraries(e l)\\nconfigure_file(in out.h)\\nadd_custom_command(TARGET e POST_BUILD COMMAND \${CMAKE_COMMAND} -E touch post)\\nenable_testing()\\nadd_test(NAME t COMMAND e)\\ninstall(TARGETS e)\\n' > CMakeLists.txt
      echo '#define P "@PROJECT_NAME@"' > in; echo 'int l(void) { return 0; }' > l.c; echo 'int l(void); int main(void) { return l(); }' > e.c
      cmake -S . -B b > /dev/null; cmake --build b -j2 > /dev/null; (cd b; ctest > /dev/null); cmake --install b --prefix i > /dev/null; i/bin/e; cat b/out.h; cmake -E tar cf a.tar i; cmake -E copy_directory i j; find i j b/post | sort; rm -rf b a.tar
    `,
    timeout: 300_000,
  },
  {
    name: 'Xvfb and xdotool',
    needs: ['Xvfb', 'xdotool', 'python3'],
    // Where a display has been before, the directory of the sockets is another's.
    policy: ['--own-tmp'],
    alsoAllow: ['/tmp/.X11-unix'],
    script: `
      cat > start.sh <<'END'
exec 5> number; Xvfb -displayfd 5 -screen 0 320x200x24 -nolisten tcp -noreset > xvfb.log 2>&1 & p=$!; exec 5>&-
for i in $(seq 200); do [ -s number ] && break; sleep 0.05; done; export DISPLAY=:$(cat number)
xdotool getdisplaygeometry; xdotool mousemove 17 23; xdotool getmouselocation; xdotool key a; echo "code $?"; [ -S /tmp/.X11-unix/X$(cat number) ] && echo socket
kill $p; wait $p; echo "end $?"
END
      bash start.sh 2>&1; rm -f number xvfb.log
    `,
    timeout: 120_000,
  },
]);
