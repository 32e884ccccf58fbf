/** Resolver libraries of languages whose compilers and virtual machines take their time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { lookUpTest, made, type Program } from '../look-ups.ts';

const GO = `package main
import ("fmt"; "net"; "os"; "sort")
func main() { all, err := net.LookupHost(os.Args[1]); sort.Strings(all); fmt.Println(all, err); if err != nil { os.Exit(1) } }`;
const JAVA = `import java.net.*;
public class Look { public static void main(String[] a) { try { for (var one : InetAddress.getAllByName(a[0])) System.out.println(one.getHostAddress()); }
  catch (UnknownHostException e) { System.out.println(e.getMessage()); System.exit(1); } } }`;

const PROGRAMS: readonly Program[] = [
  {
    name: 'Go',
    make: (folder) => {
      writeFileSync(join(folder, 'look.go'), GO);
      const still = { CGO_ENABLED: '0', GO111MODULE: 'off' };
      return made('go', ['build', '-o', 'look-go', 'look.go'], folder, still);
    },
    words: (folder, name) => [join(folder, 'look-go'), name],
  },
  {
    name: 'the JVM',
    make: (folder) => {
      writeFileSync(join(folder, 'Look.java'), JAVA);
      return made('javac', ['Look.java'], folder);
    },
    words: (folder, name) => ['java', '-cp', folder, 'Look', name],
  },
];

for (const program of PROGRAMS) lookUpTest(program);
