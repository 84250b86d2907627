#!/usr/bin/env bash
# Serving test of the configurations of 2022: bash test_tipc/test_serving_infer_python.sh CONFIG [MODE [GPU_ID]]
# [--target local|kubernetes], from the repository's root. Exit status as of test_serving.sh.
exec bash "$(dirname "${BASH_SOURCE[0]}")/tipc/start.sh" test_serving_infer_python.sh tipc.infer_python "$@"
