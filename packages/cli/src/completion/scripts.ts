/**
 * What shells are to run. The words go to the program one by one, as they are: none of them is evaluated, and a text with a
 * quotation mark is a word like others. Where the program suggests nothing, files are.
 */
export const scripts: Readonly<Record<string, string>> = {
  bash: `_medinfer() {
    local value
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        COMPREPLY+=("$value")
    done < <(medinfer completion suggest -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _medinfer medinfer
`,
  zsh: `#compdef medinfer
_medinfer() {
    local -a found
    local line
    while IFS= read -r line; do
        line=\${\${line//:/\\\\:}%$'\\t'}
        found+=("\${line/$'\\t'/:}")
    done < <(medinfer completion suggest -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( \${#found} )); then _describe medinfer found; else _files; fi
}
compdef _medinfer medinfer
`,
  fish: `function __medinfer_suggest
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found (medinfer completion suggest -- $before[2..-1] "$current" 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c medinfer -f -a '(__medinfer_suggest)'
`,
};
