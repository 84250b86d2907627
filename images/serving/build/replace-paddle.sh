#!/bin/sh
# Another Paddle in place of the locked one, for hardware that the locked one does not know:
#   replace-paddle.sh VENV REQUIREMENT INDEX
# Without a requirement nothing happens. The index is an addition to pip's own; what comes from it is not locked by hash.
set -eu
[ -n "$2" ] || exit 0
pip() {
  /opt/pip/bin/pip --python "$venv/bin/python" "$@"
}
venv=$1
pip uninstall --yes paddlepaddle paddlepaddle-gpu
pip install --no-cache-dir --no-compile ${3:+--extra-index-url "$3"} "$2"
