#!/usr/bin/env bash
# The functions of common_func.sh as PaddleDetection's scripts mean them, which source this file.

# shellcheck source=test_tipc/common_func.sh
source "$(dirname "${BASH_SOURCE[0]}")/common_func.sh"

# func_parser_value "key:value": everything after the first colon, so that an address stays whole.
function func_parser_value() {
    printf '%s\n' "${1#*:}"
}

# status_check STATUS COMMAND LOG MODEL LOG_OF_COMMAND: without an exclamation mark.
function status_check() {
    local outcome="failed"
    [ "$1" -eq 0 ] && outcome="successfully"
    printf '\033[33m Run %s with command - %s - %s - %s  \033[0m\n' "$outcome" "$4" "$2" "$5" | tee -a "$3"
}
