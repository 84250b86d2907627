#!/usr/bin/env bash
# Functions that TIPC scripts source. Same names, arguments and results as in every repository that has them.

# func_parser_key "key:value": what stands before the first colon.
function func_parser_key() {
    printf '%s\n' "${1%%:*}"
}

# func_parser_value "key:value": the second field only, so a value is cut at its own first colon. Scripts rely on it.
function func_parser_value() {
    local fields
    IFS=":" read -r -a fields <<< "$1"
    printf '%s\n' "${fields[1]-}"
}

# func_set_params KEY VALUE: "KEY=VALUE", or one blank where either is null or the value is empty.
function func_set_params() {
    if [[ $1 = "null" || $2 = "null" || $2 = " " || -z $2 ]]; then
        printf ' \n'
    else
        printf '%s\n' "$1=$2"
    fi
}

# func_parser_params "key:mode1=a|mode2=b": the value of the mode in the global MODE, empty where it has none.
function func_parser_params() {
    local pair pairs fields
    IFS="|" read -r -a pairs <<< "$(func_parser_value "$1")"
    for pair in "${pairs[@]}"; do
        IFS="=" read -r -a fields <<< "$pair"
        if [[ ${#fields[@]} -gt 1 && ${fields[0]} = "${MODE-}" ]]; then
            printf '%s\n' "${fields[1]}"
            return
        fi
    done
}

# status_check STATUS COMMAND LOG: prints the status line and appends it to LOG.
function status_check() {
    local outcome="failed"
    [ "$1" -eq 0 ] && outcome="successfully"
    printf '\033[33m Run %s with command - %s!  \033[0m\n' "$outcome" "$2" | tee -a "$3"
}
