/** What of the completions does not depend on the options. `@NAME@` is filled in by completions.ts. */

/**
 * bash splits words at `=` and `:`, so the words are joined again first. What is offered replaces only what bash takes
 * for the current word.
 */
export const BASH = String.raw`# bash completion of secfilt(1), generated from its option table.

_secfilt() {
  local line=$COMP_LINE words=() starts=() k word
  for ((k = 0; k <= COMP_CWORD; k++)); do
    word=${'$'}{COMP_WORDS[k]}
    if [[ $k == 0 || $line == [[:blank:]]* ]]; then
      line=${'$'}{line#"${'$'}{line%%[![:blank:]]*}"}
      words+=("$word")
      starts+=("$k")
    else
      words[${'$'}{#words[@]} - 1]+=$word
    fi
    line=${'$'}{line#"$word"}
  done

  local last=$((${'$'}{#words[@]} - 1)) i=1 option= value=
  while ((i < last)); do
    case ${'$'}{words[i]} in
      --) i=$((i + 1)); break ;;
      @VALUED@)
        if ((i + 1 == last)); then option=${'$'}{words[i]}; fi
        i=$((i + 2))
        ;;
      -?*) i=$((i + 1)) ;;
      *) break ;;
    esac
  done

  local current=${'$'}{words[last]}
  COMPREPLY=()
  if [[ -n $option ]]; then
    value=$current
  elif ((i < last)) || [[ $current != -* || ${'$'}{words[last - 1]} == -- ]]; then
    _secfilt_command "${'$'}{starts[i]}"
    return
  elif [[ $current == --*=* ]]; then
    option=${'$'}{current%%=*}
    value=${'$'}{current#*=}
  else
    mapfile -t COMPREPLY < <(compgen -W '@OPTIONS@ @SHORT@' -- "$current")
    if [[ ${'$'}{#COMPREPLY[@]} == 1 && ${'$'}{COMPREPLY[0]} == *= ]]; then compopt -o nospace 2> /dev/null; fi
    return
  fi

  local raw=${'$'}{COMP_WORDS[COMP_CWORD]} candidates=
  if [[ $raw == [=:] ]]; then raw=; fi
  case $option in
@CANDIDATES@
    @FILE_OPTIONS@)
      # The last item of a list; the ones before it stay as they are.
      local before= item=$value
      if [[ $value == *,* ]]; then before=${'$'}{value%,*},; item=${'$'}{value##*,}; fi
      mapfile -t COMPREPLY < <(compgen -f -- "$item")
      COMPREPLY=("${'$'}{COMPREPLY[@]/#/$before}")
      COMPREPLY=("${'$'}{COMPREPLY[@]#"${'$'}{value%"$raw"}"}")
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
    mapfile -t COMPREPLY < <(compgen -c -- "${'$'}{COMP_WORDS[COMP_CWORD]}")
  fi
}

complete -o bashdefault -o default -F _secfilt secfilt
`;

export const ZSH = String.raw`#compdef secfilt
# zsh completion of secfilt(1), generated from its option table.

_secfilt() {
  _arguments -S \
@ARGUMENTS@
    '(-):command: _command_names -e' \
    '*::arguments:_normal'
}

_secfilt "$@"
`;

export const FISH = String.raw`# fish completion of secfilt(1), generated from its option table.

# Prints the words of the command that secfilt is to run, as far as they are typed.
function __secfilt_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case @VALUED@
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
@COMPLETIONS@
`;
