#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: nearest-neighbour interpolation takes other pixels with oneDNN.
#
# The guess: oneDNN, which Paddle 3 switches on by itself, changes the last bits of a float; an operation that only copies
# pixels gives the same pixels with it and without it.
# What happens: Paddle's own kernel (and the eager model, and OpenVINO) takes the pixel at floor(i * in / out), oneDNN the
# one whose middle is next, round((i + 0.5) * in / out - 0.5). Between 4 and 3 pixels, two of three are others. Doubling a
# size is the one common case in which both agree, which is why detectors with FPN do not show it.
#
# Output seen:
#   4 to 3: eager [0.0, 1.0, 2.0] without oneDNN [0.0, 1.0, 2.0] with oneDNN [0.0, 2.0, 3.0]
#   4 to 7: eager [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0] without oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0] with oneDNN [0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 3.0]
#   4 to 8: eager [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0] without oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0] with oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/pixels.py" <<'PY'
import numpy as np
import paddle
import paddle.inference as inference
from paddle.nn.functional import interpolate
from paddle.pir_utils import OldIrGuard

ROW = np.arange(4, dtype="float32").reshape(1, 1, 1, 4)


def save(name, size):
    with OldIrGuard():
        program, startup = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, startup):
            x = paddle.static.data("x", [-1, 1, 1, 4], "float32")
            scale = paddle.static.create_parameter([1], "float32", default_initializer=paddle.nn.initializer.Constant(1.0))
            y = interpolate(x, size=[1, size], mode="nearest") * scale
        executor = paddle.static.Executor()
        executor.run(startup)
        paddle.static.save_inference_model(name, [x], [y], executor, program=program)


def run(name, onednn):
    config = inference.Config(f"{name}.pdmodel", f"{name}.pdiparams")
    config.disable_glog_info()
    config.enable_mkldnn() if onednn else config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("x")
    handle.reshape(ROW.shape)
    handle.copy_from_cpu(ROW)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu().ravel().tolist()


for size in (3, 7, 8):
    eager = interpolate(paddle.to_tensor(ROW), size=[1, size], mode="nearest").numpy().ravel().tolist()
    paddle.enable_static()
    save(f"to{size}", size)
    print(f"4 to {size}: eager {eager} without oneDNN {run(f'to{size}', False)} with oneDNN {run(f'to{size}', True)}")
    paddle.disable_static()
PY
(cd "$folder" && venv/bin/python -W ignore pixels.py 2> log | grep '^4 to' > output) || { tail -20 "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
4 to 3: eager [0.0, 1.0, 2.0] without oneDNN [0.0, 1.0, 2.0] with oneDNN [0.0, 2.0, 3.0]
4 to 7: eager [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0] without oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0] with oneDNN [0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 3.0]
4 to 8: eager [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0] without oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0] with oneDNN [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
EXPECTED
