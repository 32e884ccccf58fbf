# bash completion of secfilt(1), generated from its option table.

_secfilt() {
  local line=$COMP_LINE words=() starts=() k word
  for ((k = 0; k <= COMP_CWORD; k++)); do
    word=${COMP_WORDS[k]}
    if [[ $k == 0 || $line == [[:blank:]]* ]]; then
      line=${line#"${line%%[![:blank:]]*}"}
      words+=("$word")
      starts+=("$k")
    else
      words[${#words[@]} - 1]+=$word
    fi
    line=${line#"$word"}
  done

  local last=$((${#words[@]} - 1)) i=1 option= value=
  while ((i < last)); do
    case ${words[i]} in
      --) i=$((i + 1)); break ;;
      --write-allow | --allow-write | --write-deny | --deny-write | --write-own | --allow-write-own | --read-deny | --deny-read | --read-allow | --allow-read | --exec-allow | --allow-run | --exec-deny | --deny-run | --allowed-netmasks | --allowed-netmask | --allowed-ports | --allowed-port | --allowed-hosts | --allowed-host | --allow-net | --denied-hosts | --denied-host | --deny-net | --denied-netmasks | --denied-netmask | --denied-ports | --denied-port | --allowed-listen | --allow-listen | --allow-unix | --config | -c | --learn | --engine | --log | --serve | --status | --compile | --why)
        if ((i + 1 == last)); then option=${words[i]}; fi
        i=$((i + 2))
        ;;
      -?*) i=$((i + 1)) ;;
      *) break ;;
    esac
  done

  local current=${words[last]}
  COMPREPLY=()
  if [[ -n $option ]]; then
    value=$current
  elif ((i < last)) || [[ $current != -* || ${words[last - 1]} == -- ]]; then
    _secfilt_command "${starts[i]}"
    return
  elif [[ $current == --*=* ]]; then
    option=${current%%=*}
    value=${current#*=}
  else
    mapfile -t COMPREPLY < <(compgen -W '--read-only --write-allow= --allow-write= --write-deny= --deny-write= --write-own= --allow-write-own= --own-tmp --read-deny= --deny-read= --read-allow= --allow-read= --exec-allow= --allow-run= --exec-deny= --deny-run= --no-outbound-network --allowed-netmasks= --allowed-netmask= --allowed-ports= --allowed-port= --allowed-hosts= --allowed-host= --allow-net= --denied-hosts= --denied-host= --deny-net= --denied-netmasks= --denied-netmask= --denied-ports= --denied-port= --allowed-listen= --allow-listen= --allow-resolv --mainstream-network-families --allow-unix= --config= --learn= --engine= --log= --verbose --ask --quiet --serve= --status= --compile= --probe --list-calls --explain --why= --json --help --version -c -v -h' -- "$current")
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2> /dev/null; fi
    return
  fi

  local raw=${COMP_WORDS[COMP_CWORD]} candidates=
  if [[ $raw == [=:] ]]; then raw=; fi
  case $option in
    --read-only) candidates='1 0 true false yes no on off' ;;
    --own-tmp) candidates='1 0 true false yes no on off' ;;
    --no-outbound-network) candidates='1 0 true false yes no on off' ;;
    --allow-resolv) candidates='1 0 true false yes no on off' ;;
    --mainstream-network-families) candidates='1 0 true false yes no on off' ;;
    --engine) candidates='auto notify trace kernel' ;;
    --verbose | -v) candidates='1 0 true false yes no on off' ;;
    --ask) candidates='1 0 true false yes no on off' ;;
    --quiet) candidates='1 0 true false yes no on off' ;;
    --probe) candidates='1 0 true false yes no on off' ;;
    --list-calls) candidates='1 0 true false yes no on off' ;;
    --explain) candidates='filter 1 0 true false yes no on off' ;;
    --json) candidates='1 0 true false yes no on off' ;;
    --help | -h) candidates='1 0 true false yes no on off' ;;
    --version) candidates='1 0 true false yes no on off' ;;
    --write-allow | --allow-write | --write-deny | --deny-write | --write-own | --allow-write-own | --read-deny | --deny-read | --read-allow | --allow-read | --exec-allow | --allow-run | --exec-deny | --deny-run | --allow-unix | --config | -c | --learn | --log | --compile)
      # The last item of a list; the ones before it stay as they are.
      local before= item=$value
      if [[ $value == *,* ]]; then before=${value%,*},; item=${value##*,}; fi
      mapfile -t COMPREPLY < <(compgen -f -- "$item")
      COMPREPLY=("${COMPREPLY[@]/#/$before}")
      COMPREPLY=("${COMPREPLY[@]#"${value%"$raw"}"}")
      compopt -o filenames 2> /dev/null
      return
      ;;
  esac
  if [[ -n $candidates ]]; then mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$value"); fi
}

# The command and its words: as if it stood alone.
_secfilt_command() {
  if declare -F _command_offset > /dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}

complete -o bashdefault -o default -F _secfilt secfilt
