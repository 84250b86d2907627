#!/usr/bin/env bash
# numpy 2.4.6 and 2.2.6 (1.26.4 for comparison), Python 3.11: print options are of the thread that sets them.
#
# The guess: np.set_printoptions() is what its documentation says, "these options determine the way floating point
# numbers, arrays and other NumPy objects are displayed", once for the process; a service calls it where it starts.
# What happens: since numpy 2.2 the options are a context variable. Threads begin with an empty context, so a thread pool,
# which is what answers requests in gRPC servers, prints with numpy's defaults. asyncio.to_thread() copies the context and
# prints as asked. In numpy 1 the options are the process's. Nothing is said; the text of an answer differs by who made it.
#
# Output seen:
#   1.26.4 main [0.12] pool [0.12] to_thread [0.12]
#   2.2.6 main [0.12] pool [0.123456] to_thread [0.12]
#   2.4.6 main [0.12] pool [0.123456] to_thread [0.12]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/print.py" <<'PY'
import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np

np.set_printoptions(precision=2)


def text():
    return str(np.array([0.123456]))


with ThreadPoolExecutor() as pool:
    print(np.__version__, "main", text(), "pool", pool.submit(text).result(), "to_thread", asyncio.run(asyncio.to_thread(text)))
PY
for version in 1.26.4 2.2.6 2.4.6; do
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "numpy==$version"
    "$folder/venv/bin/python" "$folder/print.py"
done | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
1.26.4 main [0.12] pool [0.12] to_thread [0.12]
2.2.6 main [0.12] pool [0.123456] to_thread [0.12]
2.4.6 main [0.12] pool [0.123456] to_thread [0.12]
EXPECTED
