/**
 * What the manual page says about an option beyond its line in the table. An option without an entry is described by
 * that line. An empty line separates paragraphs.
 */
import type { OptionName } from '../options/option-table.ts';

export const DETAILS = {
  'read-only': `Refuse every change to the file system: contents, names, modes, owners, times, extended attributes. The devices null, zero, full, random and urandom and the terminal that the command was given, also as /dev/tty, stay writable. BOOL is 1 or 0, true or false, yes or no, on or off; without it the option is on.`,
  'write-allow': `Allow changes at PATH and, if it is a directory, below it. Implies --read-only. PATH may name something that does not exist yet, in a directory that does. A symbolic link in PATH is resolved once, at the start. A comma that belongs to a path is written \\,.`,
  'write-own': `Allow the command to make files and directories in the directory DIR, which it shares with other programs, and to change, rename and remove what it has made there itself, at any depth. What others make there stays as it is. Files are told apart by what they are, not by their names. Implies --read-only. Under every file policy this holds for /dev/shm.`,
  'own-tmp': `The same as --write-own=/tmp,/var/tmp.`,
  'no-outbound-network': `Refuse every outbound connection and datagram. Wins over the lists of networks and ports. Unix sockets made inside the sandbox go on working.`,
  'allowed-netmasks': `Allow outbound connections and datagrams to these networks or single addresses only, IPv4 or IPv6. Names are not looked up. Where ports are listed too, a destination must match both lists.`,
  'allowed-ports': `Allow outbound connections and datagrams to these ports or ranges of ports only. Where networks are listed too, a destination must match both lists.`,
  'allow-resolv': `Allow port 53 of the name servers that /etc/resolv.conf lists when secfilt starts, in addition to the other lists. Alone, it allows nothing else.`,
  'mainstream-network-families': `Allow only sockets of the families IPv4, IPv6, Unix and netlink. Every other network restriction implies it.`,
  'allow-unix': `Allow connections to these Unix sockets outside the sandbox; @name is an abstract one. Under a restriction all others are refused, since a daemon behind a socket may do what the command may not.`,
  config: `Read options from FILE. See CONFIG FILES. May be repeated; where an option holds one value, the command line wins over files and a later file over an earlier one.`,
  learn: `Run the command as without restrictions, but watched, and write to FILE a config file that would let it run again with --config=FILE: the paths it changed and the addresses it reached, with comments that say how often. What failed is not in it. Places that are not to be opened lightly, and Unix sockets of other programs, are commented out with a warning. FILE must not exist or be empty. What no option allows (see --explain) stays refused.`,
  engine: `How system calls that the kernel cannot decide are referred to secfilt: notify by seccomp user notifications; trace by ptrace; kernel not at all, for policies that Landlock and a seccomp filter can hold alone. auto, the default, tries them in this order by probing the kernel.`,
  log: `Write a JSON object for each refused call to FILE, a line each, with --verbose also for calls that were referred and allowed. A number is a descriptor that the shell opened, - is standard error. The log never stops the command: what cannot be written is counted and reported at the end.`,
  verbose: `Print refusals as they happen, and a summary also where the command succeeded. With --log, log referred calls that were allowed too.`,
  quiet: `Print nothing about what was refused: neither the summary, nor after a command that succeeded how many operations were.`,
  probe: `Print what this machine can do and which engine the other options would get, and run nothing.`,
  'list-calls': `Print what becomes of every system call under the other options, and run nothing.`,
  compile: `Make an executable, FILE, of the policy and the command that follow, and run nothing. FILE runs the command with its own arguments behind; made without a command, it runs the one that its arguments are. Paths, config files, ~ and variables are resolved when it is made; a command without a slash is looked up in PATH at each start. With --engine=kernel FILE stands alone: it needs neither secfilt nor Node, looks the paths up at its start, and refuses to start where one is missing, leads through a symbolic link that has come since, or holds FILE itself, or where the kernel can hold less than the policy. Otherwise FILE asks a service of this user (see --serve) for a sandbox of this policy, and executes secfilt, where it is now, when none answers, or where --engine=trace or --verbose is given. FILE must not lie where the command may make changes. It replaces an earlier one as a whole; any other file stays. --explain=FILE shows what is in it.

--log and --learn do not go with it.`,
  explain: `Print what would be in force under the other options, and run nothing: for each promise which layer holds it, what this kernel lacks and what stands in for it, and which engine is taken. With =filter, print the compiled filter, an instruction a line. A command may be given and is only looked up. With the name of a file that --compile has made (write ./filter for one that is called so), print what is baked into it.`,
  serve: `Run no command, but be the supervisor of all that come to the Unix socket SOCKET, each in a sandbox of its own: executables that --compile has made, and programs that use the library. The other options are the policy of those that bring none; with --log and --verbose their refusals are told. Without SOCKET it is secfilt/service in $XDG_RUNTIME_DIR, or secfilt-UID/service in the temporary directory. The directory must be one that only its user can enter. SIGHUP reads config files again, for sandboxes to come. SIGTERM tells all commands to end, and ends what is left of the sandboxes after five seconds, or at a second one. A listening socket of a service manager is taken (sd_listen_fds(3)), which is told when the service is ready (sd_notify(3)). Needs Linux 6.5, and a kernel that lets processes of one user look into each other (kernel.yama.ptrace_scope=0).`,
  status: `Print which sandboxes the service at SOCKET has: the process number, age, how many calls were referred and refused, the command and the policy.`,
  json: `With --probe, --list-calls, --explain and --status: print JSON.`,
  help: `Print a summary of the options.`,
  version: `Print the version.`,
} as const satisfies Partial<Record<OptionName, string>>;
