#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: Predictor.run() keeps the interpreter's lock for as long as it computes.
#
# The guess: a run is C++ for all of its time, so it lets other threads of Python go on meanwhile, as numpy does in a product
# of matrices, and a server can receive requests in one thread while a predictor computes in another.
# What happens: the other thread stands still from the beginning of the run to its end. The same products in numpy let it go on.
# Whoever wants to receive while a model computes needs a process for it; a thread for the predictor gains nothing.
#
# Output seen (did the other thread stand still for more than half of the time?):
#   numpy False
#   paddle True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/lock.py" <<'PY'
import threading
import time

import numpy as np
import paddle
import paddle.inference as inference

SIZE, PRODUCTS = 1500, 20
SIDE = np.full((SIZE, SIZE), 1 / SIZE, "float32")


def save():
    paddle.enable_static()
    x = paddle.static.data("x", [SIZE, SIZE], "float32")
    weight = paddle.static.create_parameter(
        [SIZE, SIZE], "float32", default_initializer=paddle.nn.initializer.Constant(1 / SIZE)
    )
    y = x
    for _ in range(PRODUCTS):
        y = paddle.matmul(y, weight)
    executor = paddle.static.Executor()
    executor.run(paddle.static.default_startup_program())
    paddle.static.save_inference_model("model", [x], [y], executor)


def paddles():
    config = inference.Config("model.json", "model.pdiparams")
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("x")
    handle.reshape(SIDE.shape)
    handle.copy_from_cpu(SIDE)
    predictor.run()  # the first one prepares
    return predictor.run


def numpys():
    y = SIDE
    for _ in range(PRODUCTS):
        y = y @ SIDE


def stands_still(compute):
    over, moments = threading.Event(), []

    def tick():
        while not over.wait(0.001):
            moments.append(time.perf_counter())

    other = threading.Thread(target=tick)
    other.start()
    began = time.perf_counter()
    compute()
    ended = time.perf_counter()
    over.set()
    other.join()
    seen = [began, *(moment for moment in moments if began < moment < ended), ended]
    return max(np.diff(seen)) > (ended - began) / 2


save()
print("case numpy", bool(stands_still(numpys)))
print("case paddle", bool(stands_still(paddles())))
PY
(cd "$folder" && venv/bin/python -W ignore lock.py 2> log | sed -n 's/^case //p' > output) || { tail -20 "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
numpy False
paddle True
EXPECTED
