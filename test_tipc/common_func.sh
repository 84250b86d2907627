#!/usr/bin/env bash
# Functions that TIPC scripts source. Same names, arguments and results as in every repository that has them. Where the
# generations differ, the number of arguments tells which one calls; utils_func.sh has what PaddleDetection means.

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

# func_parser_value_lite TEXT SEPARATOR: the second field between separators, of 2022.
function func_parser_value_lite() {
    local fields
    IFS="$2" read -r -a fields <<< "$1"
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

# func_parser_params "key:mode1=a|mode2=b" [MODE]: the value of the mode, empty where it has none. Of 2021: the mode is
# in the global MODE.
function func_parser_params() {
    local pair pairs fields mode=${2-${MODE-}}
    IFS=":" read -r -a fields <<< "$1"
    IFS="|" read -r -a pairs <<< "${fields[1]-}"
    for pair in "${pairs[@]}"; do
        IFS="=" read -r -a fields <<< "$pair"
        if [[ ${#fields[@]} -gt 1 && ${fields[0]} = "$mode" ]]; then
            printf '%s\n' "${fields[1]}"
            return
        fi
    done
}

# func_set_amp_params KEY VALUE: PaddleClas's arguments for training in fp16, one blank for every other precision.
function func_set_amp_params() {
    if [[ $2 = "fp16" ]]; then
        printf '%s\n' "-o AMP.scale_loss=128 -o AMP.use_dynamic_loss_scaling=False -o AMP.level=O2"
    else
        printf ' \n'
    fi
}

# status_check STATUS COMMAND LOG [MODEL [LOG_OF_COMMAND]]: prints the status line and appends it to LOG. Three arguments
# are of 2021, four of PaddlePaddle/models, five of PaddleClas (PaddleOCR leaves out the exclamation mark).
function status_check() {
    local outcome="failed" text="$2!  "
    [ "$1" -eq 0 ] && outcome="successfully"
    [ $# -lt 4 ] || text="$4 - $2!  "
    [ $# -lt 5 ] || text="$4 - $2 - $5 ! "
    printf '\033[33m Run %s with command - %s\033[0m\n' "$outcome" "$text" | tee -a "$3"
}
