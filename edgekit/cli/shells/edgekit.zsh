#compdef edgekit
# Completion of `edgekit` in zsh, as `edgekit completion zsh` prints it.

_edgekit_completion() {
    local kind value text
    local -a answer plain described found
    answer=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) _EDGEKIT_COMPLETE=zsh_complete ${words[1]} 2>/dev/null)}")
    [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='  # the values alone are offered for --device=ID
    for kind value text in "${answer[@]}"; do
        case $kind in
            plain) if [[ $text == _ ]]; then plain+=("$value"); else described+=("$value:$text"); fi ;;
            path) found+=("$value") ;;
            file) _files ;;
            dir) _files -/ ;;
        esac
    done
    (( $#described )) && _describe -V edgekit described
    (( $#plain )) && compadd -V edgekit -a plain
    (( $#found )) && compadd -f -a found
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _edgekit_completion "$@"
else
    compdef _edgekit_completion edgekit
fi
