#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU, with the oneDNN that it brings), Python 3.11: what is prepared for a shape is kept for ten shapes of a process.
#
# The guess: a predictor prepares its kernels when a shape comes for the first time; once every shape has come, runs are fast, and
# the predictors of a process have nothing to do with each other. (Paddle Serving 0.9.0 says of its switch for it, which by default
# is 0 and then is not passed on: "cache capacity of mkldnn, 0 means no limit".)
# What happens: without `set_mkldnn_cache_capacity` a process keeps ten shapes, for all of its predictors together, as the cache is
# oneDNN's of the process. The eleventh takes the place of another one, whichever; where eleven or more come in turn, some are
# prepared anew for every run, for ever, and nothing says so. PP-OCRv4's recognizer with 24 widths in turn took 40 ms of CPU for a
# run, and 17 with room for all of them (some 15 MB each). Two predictors with six shapes each lose some of them, too.
#
# Output seen, convolutions that oneDNN prepares (ONEDNN_VERBOSE) when all shapes come for the second time:
#   one predictor, 10 shapes: 0
#   one predictor, 11 shapes: some
#   one predictor, 11 shapes, set_mkldnn_cache_capacity(11): 0
#   two predictors, 5 other shapes each: 0
#   two predictors, 6 other shapes each: some
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/shapes.py" <<'PY'
import os
import subprocess
import sys


def save():
    import paddle

    layer = paddle.nn.Conv2D(3, 8, 3)
    paddle.jit.save(layer, "model", input_spec=[paddle.static.InputSpec([None, 3, None, None], "float32", "x")])


def run(predictors, shapes, capacity):
    import numpy as np
    import paddle.inference as inference

    handles = []
    for _ in range(predictors):
        config = inference.Config("model.json", "model.pdiparams")
        config.disable_glog_info()
        config.enable_mkldnn()
        if capacity:
            config.set_mkldnn_cache_capacity(capacity)
        predictor = inference.create_predictor(config)
        handles.append((predictor, predictor.get_input_handle("x")))
    for _ in range(2):
        print("round", flush=True)
        side = 16
        for _ in range(shapes):
            for predictor, handle in handles:
                picture = np.ones((1, 3, side, side), "float32")
                handle.reshape(picture.shape)
                handle.copy_from_cpu(picture)
                predictor.run()
                side += 1


def prepared_again(*numbers):
    command = [sys.executable, __file__, *map(str, numbers)]
    told = subprocess.run(
        command, env={**os.environ, "ONEDNN_VERBOSE": "2"}, check=True, capture_output=True, text=True
    ).stdout
    first, second = told.split("round\n")[1:]
    convolutions = [",create:" in line and ",convolution," in line for line in second.splitlines()]
    assert ",convolution," in first, "oneDNN does not tell what it prepares"
    return "some" if sum(convolutions) else "0"


if len(sys.argv) > 1:
    run(*map(int, sys.argv[1:]))
    sys.exit()
save()
print("one predictor, 10 shapes:", prepared_again(1, 10, 0))
print("one predictor, 11 shapes:", prepared_again(1, 11, 0))
print("one predictor, 11 shapes, set_mkldnn_cache_capacity(11):", prepared_again(1, 11, 11))
print("two predictors, 5 other shapes each:", prepared_again(2, 5, 0))
print("two predictors, 6 other shapes each:", prepared_again(2, 6, 0))
PY
cd "$folder"
"$folder/venv/bin/python" shapes.py 2> "$folder/errors" > "$folder/output" || { cat "$folder/errors" >&2; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'SEEN'
one predictor, 10 shapes: 0
one predictor, 11 shapes: some
one predictor, 11 shapes, set_mkldnn_cache_capacity(11): 0
two predictors, 5 other shapes each: 0
two predictors, 6 other shapes each: some
SEEN
