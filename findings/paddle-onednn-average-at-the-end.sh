#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: avg_pool2d with exclusive=False has other averages with oneDNN where more is
# padded at the end than at the beginning.
#
# The guess: exclusive=False divides by all cells of the window, padded ones too; oneDNN, which Paddle 3 switches on by
# itself, has the same two kinds of averages and changes the last bits at most.
# What happens: Paddle's own kernel and the eager model count no cells past the size plus the padding of the beginning:
# not those that ceil_mode adds, which hold nothing, and not a column of zeros that is asked for at the end alone. oneDNN
# counts them all. So the last averages of a picture of ones are two thirds in place of one. With an even padding, or one
# at the beginning alone, both agree, which is why most models do not show it. Nothing is said; the shape is the same.
#
# Output seen:
#   ceil_mode: eager [1.0, 1.0, 1.0] without oneDNN [1.0, 1.0, 1.0] with oneDNN [1.0, 1.0, 0.6667]
#   one at the end: eager [1.0, 1.0, 1.0, 1.0, 1.0] without oneDNN [1.0, 1.0, 1.0, 1.0, 1.0] with oneDNN [1.0, 1.0, 1.0, 1.0, 0.6667]
#   one at the beginning: eager [0.6667, 1.0, 1.0, 1.0, 1.0] without oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0] with oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0]
#   one at both: eager [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667] without oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667] with oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/averages.py" <<'PY'
import numpy as np
import paddle
from paddle import inference
from paddle.nn.functional import avg_pool2d
from paddle.pir_utils import OldIrGuard

ROW = np.ones((1, 1, 1, 6), "float32")
KINDS = {
    "ceil_mode": ([1, 3], [1, 2], 0, True),
    "one at the end": ([1, 3], [1, 1], [0, 0, 0, 1], False),
    "one at the beginning": ([1, 3], [1, 1], [0, 0, 1, 0], False),
    "one at both": ([1, 3], [1, 1], [0, 1], False),
}


def average(x, kind):
    size, stride, padding, ceil = KINDS[kind]
    return avg_pool2d(x, size, stride, padding=padding, ceil_mode=ceil, exclusive=False)


def save(name, kind):
    with OldIrGuard():
        program, startup = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, startup):
            x = paddle.static.data("x", [-1, 1, 1, 6], "float32")
            scale = paddle.static.create_parameter([1], "float32", default_initializer=paddle.nn.initializer.Constant(1.0))
            y = average(x, kind) * scale
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
    return told(predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu())


def told(values):
    return [round(value, 4) for value in values.ravel().tolist()]


for number, kind in enumerate(KINDS):
    eager = told(average(paddle.to_tensor(ROW), kind).numpy())
    paddle.enable_static()
    save(f"model{number}", kind)
    print(f"{kind}: eager {eager} without oneDNN {run(f'model{number}', False)} with oneDNN {run(f'model{number}', True)}")
    paddle.disable_static()
PY
(cd "$folder" && venv/bin/python -W ignore averages.py 2> log | grep ': eager ' > output) || { tail -20 "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
ceil_mode: eager [1.0, 1.0, 1.0] without oneDNN [1.0, 1.0, 1.0] with oneDNN [1.0, 1.0, 0.6667]
one at the end: eager [1.0, 1.0, 1.0, 1.0, 1.0] without oneDNN [1.0, 1.0, 1.0, 1.0, 1.0] with oneDNN [1.0, 1.0, 1.0, 1.0, 0.6667]
one at the beginning: eager [0.6667, 1.0, 1.0, 1.0, 1.0] without oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0] with oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0]
one at both: eager [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667] without oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667] with oneDNN [0.6667, 1.0, 1.0, 1.0, 1.0, 0.6667]
EXPECTED
