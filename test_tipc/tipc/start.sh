#!/usr/bin/env bash
# start.sh SCRIPT MODULE [ARGUMENT ...]: runs a module of this folder for SCRIPT, or says what its python3 does not have.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script=$1 module=$2
shift 2
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
needed='import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or not u.find_spec("paddle_serving_runtime"))'
if ! python3 -c "$needed" 2> /dev/null; then
    echo "$script: python3 ($(command -v python3 || echo "not on PATH")) does not have the package paddle-serving-runtime," \
        "which serves and compares. Run this in its container image, or install it for Python 3.11, 3.12 or 3.13." >&2
    exit 2
fi
exec python3 -m "$module" "$@"
