# fish completion of secfilt(1), generated from its option table.

# Prints the words of the command that secfilt is to run, as far as they are typed.
function __secfilt_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case --write-allow --allow-write --write-deny --deny-write --write-own --allow-write-own --read-deny --deny-read --read-allow --allow-read --exec-allow --allow-run --exec-deny --deny-run --allowed-netmasks --allowed-netmask --allowed-ports --allowed-port --allowed-hosts --allowed-host --allow-net --denied-hosts --denied-host --deny-net --denied-netmasks --denied-netmask --denied-ports --denied-port --allowed-listen --allow-listen --allow-unix --config -c --learn --engine --log --serve --status --compile --why
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    string escape -- $words
end

function __secfilt_wants_options
    not contains -- -- (commandline -opc); and test -z "$(__secfilt_command | string collect)"
end

function __secfilt_complete_command
    set -l words (__secfilt_command)
    set -l current (commandline -ct)
    if test -z "$words"; and string match -q -- '-*' $current; and not contains -- -- (commandline -opc)
        return
    end
    complete "-C"(string join ' ' -- $words "$current")
end

complete -c secfilt -f -a '(__secfilt_complete_command)'
complete -c secfilt -n __secfilt_wants_options -l read-only -d 'refuse every change to the file system'
complete -c secfilt -n __secfilt_wants_options -l write-allow -r -F -d 'read-only, but for PATH and what is below it'
complete -c secfilt -n __secfilt_wants_options -l allow-write -r -F -d 'read-only, but for PATH and what is below it'
complete -c secfilt -n __secfilt_wants_options -l write-deny -r -F -d 'no change at PATH: also a pattern, or a @set'
complete -c secfilt -n __secfilt_wants_options -l deny-write -r -F -d 'no change at PATH: also a pattern, or a @set'
complete -c secfilt -n __secfilt_wants_options -l write-own -r -F -d 'read-only, but for what it makes itself in DIR'
complete -c secfilt -n __secfilt_wants_options -l allow-write-own -r -F -d 'read-only, but for what it makes itself in DIR'
complete -c secfilt -n __secfilt_wants_options -l own-tmp -d '--write-own of /tmp and /var/tmp'
complete -c secfilt -n __secfilt_wants_options -l read-deny -r -F -d 'nothing at PATH or below is opened for reading'
complete -c secfilt -n __secfilt_wants_options -l deny-read -r -F -d 'nothing at PATH or below is opened for reading'
complete -c secfilt -n __secfilt_wants_options -l read-allow -r -F -d 'but it is at PATH, within what --read-deny names'
complete -c secfilt -n __secfilt_wants_options -l allow-read -r -F -d 'but it is at PATH, within what --read-deny names'
complete -c secfilt -n __secfilt_wants_options -l exec-allow -r -F -d 'but it is at PATH, within what --exec-deny names'
complete -c secfilt -n __secfilt_wants_options -l allow-run -r -F -d 'but it is at PATH, within what --exec-deny names'
complete -c secfilt -n __secfilt_wants_options -l exec-deny -r -F -d 'nothing at PATH or below is executed'
complete -c secfilt -n __secfilt_wants_options -l deny-run -r -F -d 'nothing at PATH or below is executed'
complete -c secfilt -n __secfilt_wants_options -l no-outbound-network -d 'refuse every outbound connection and datagram'
complete -c secfilt -n __secfilt_wants_options -l allowed-netmasks -x -d 'outbound only to these networks or addresses'
complete -c secfilt -n __secfilt_wants_options -l allowed-netmask -x -d 'outbound only to these networks or addresses'
complete -c secfilt -n __secfilt_wants_options -l allowed-ports -x -d 'outbound only to these ports (443, 8000-8010)'
complete -c secfilt -n __secfilt_wants_options -l allowed-port -x -d 'outbound only to these ports (443, 8000-8010)'
complete -c secfilt -n __secfilt_wants_options -l allowed-hosts -x -d 'outbound only to these (name, *.zone:port)'
complete -c secfilt -n __secfilt_wants_options -l allowed-host -x -d 'outbound only to these (name, *.zone:port)'
complete -c secfilt -n __secfilt_wants_options -l allow-net -x -d 'outbound only to these (name, *.zone:port)'
complete -c secfilt -n __secfilt_wants_options -l denied-hosts -x -d 'but not to these hosts, by name or address'
complete -c secfilt -n __secfilt_wants_options -l denied-host -x -d 'but not to these hosts, by name or address'
complete -c secfilt -n __secfilt_wants_options -l deny-net -x -d 'but not to these hosts, by name or address'
complete -c secfilt -n __secfilt_wants_options -l denied-netmasks -x -d 'not to these networks: @private, @loopback, @metadata'
complete -c secfilt -n __secfilt_wants_options -l denied-netmask -x -d 'not to these networks: @private, @loopback, @metadata'
complete -c secfilt -n __secfilt_wants_options -l denied-ports -x -d 'not to these ports'
complete -c secfilt -n __secfilt_wants_options -l denied-port -x -d 'not to these ports'
complete -c secfilt -n __secfilt_wants_options -l allowed-listen -x -d 'take connections at these ports only, or at none'
complete -c secfilt -n __secfilt_wants_options -l allow-listen -x -d 'take connections at these ports only, or at none'
complete -c secfilt -n __secfilt_wants_options -l allow-resolv -d 'also to the resolvers of /etc/resolv.conf'
complete -c secfilt -n __secfilt_wants_options -l mainstream-network-families -d 'only IPv4, IPv6, Unix and netlink sockets'
complete -c secfilt -n __secfilt_wants_options -l allow-unix -r -F -d 'also to these Unix sockets (@name: abstract)'
complete -c secfilt -n __secfilt_wants_options -s c -l config -r -F -d 'read options from FILE, one name=value a line'
complete -c secfilt -n __secfilt_wants_options -l learn -r -F -d 'restrict nothing; write to FILE what it takes'
complete -c secfilt -n __secfilt_wants_options -l engine -x -a 'auto notify trace kernel' -d 'auto, notify, trace or kernel'
complete -c secfilt -n __secfilt_wants_options -l log -r -F -d 'a line of JSON a refusal; also: an fd, or -'
complete -c secfilt -n __secfilt_wants_options -s v -l verbose -d 'tell of refusals as they happen; log all'
complete -c secfilt -n __secfilt_wants_options -l ask -d 'ask at the terminal about what no option allows'
complete -c secfilt -n __secfilt_wants_options -l quiet -d 'no word about what was refused'
complete -c secfilt -n __secfilt_wants_options -l serve -d 'run no command: be the supervisor of all that come to SOCKET'
complete -c secfilt -n __secfilt_wants_options -l status -d 'show the sandboxes of the service at SOCKET'
complete -c secfilt -n __secfilt_wants_options -l compile -r -F -d 'run nothing; make an executable of the other options and the command'
complete -c secfilt -n __secfilt_wants_options -l probe -d 'show what this machine can do, and which engine it takes'
complete -c secfilt -n __secfilt_wants_options -l list-calls -d 'show what becomes of every system call under the other options'
complete -c secfilt -n __secfilt_wants_options -l explain -d 'run nothing; show which layer would hold which promise, or the compiled filter'
complete -c secfilt -n __secfilt_wants_options -l why -x -d 'run nothing; show which rule decides about one access (read:PATH, write:PATH, exec:PATH, connect:HOST:PORT)'
complete -c secfilt -n __secfilt_wants_options -l json -d 'with --probe, --list-calls, --explain, --why and --status: as JSON'
complete -c secfilt -n __secfilt_wants_options -s h -l help -d 'show this text'
complete -c secfilt -n __secfilt_wants_options -l version -d 'show the version'
