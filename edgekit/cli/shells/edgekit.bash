# Completion of `edgekit` in bash 4.4 or newer, as `edgekit completion bash` prints it.

_edgekit_completion() {
    local kind value position=0 index
    local -a words=()
    COMPREPLY=()
    # bash makes three words of --device=ID; edgekit is asked as for --device ID.
    for index in "${!COMP_WORDS[@]}"; do
        (( index == COMP_CWORD )) && position=${#words[@]}
        [[ ${COMP_WORDS[index]} == "=" ]] || words+=("${COMP_WORDS[index]}")
    done
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            path) COMPREPLY+=("$value"); compopt -o filenames ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(COMP_WORDS="${words[*]}" COMP_CWORD=$position _EDGEKIT_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F _edgekit_completion edgekit
