#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: with oneDNN, the default of Paddle 3, a NaN goes in and a number comes out.
#
# The guess: a NaN that gets into a model comes out as NaN, as IEEE 754, numpy and Paddle's own kernels have it, so a check
# of the answer for NaN finds inputs that were broken.
# What happens: oneDNN's kernels compare and select. clip and relu6 make 0 of it, a maximum over an axis leaves it out, exp
# makes infinity of it, and a softmax gives the other elements of the row 0 in place of NaN. In the other direction
# gelu(infinity) is infinity in Paddle's kernel and NaN in oneDNN's. Nothing is logged, and both are "right" by their authors.
#
# Output seen (input, without oneDNN, with oneDNN):
#   clip [nan, 2.0] -> [nan, 1.0] [0.0, 1.0]
#   max [nan, 2.0] -> [nan] [2.0]
#   exp [nan, 0.0] -> [nan, 1.0] [inf, 1.0]
#   gelu [inf, 0.0] -> [inf, 0.0] [nan, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/values.py" <<'PY'
import numpy as np
import paddle
import paddle.inference as inference

CASES = {
    "clip": (lambda x: paddle.clip(x, 0.0, 1.0), [np.nan, 2.0]),
    "max": (lambda x: paddle.max(x, axis=1), [np.nan, 2.0]),
    "exp": (paddle.exp, [np.nan, 0.0]),
    "gelu": (paddle.nn.functional.gelu, [np.inf, 0.0]),
}
paddle.enable_static()


def save(name, build):
    program, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(program, startup):
        x = paddle.static.data("x", [-1, 2], "float32")
        # a model of Paddle 3 wants a parameter file
        other = paddle.static.create_parameter([1], "float32", default_initializer=paddle.nn.initializer.Constant(1.0))
        outputs = [build(x), other * 2]
        executor = paddle.static.Executor()
        executor.run(startup)
        paddle.static.save_inference_model(name, [x], outputs, executor, program=program)


def run(name, row, onednn):
    config = inference.Config(f"{name}.json", f"{name}.pdiparams")
    config.disable_glog_info()
    config.enable_mkldnn() if onednn else config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("x")
    handle.reshape(row.shape)
    handle.copy_from_cpu(row)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu().ravel().tolist()


for name, (build, values) in CASES.items():
    save(name, build)
    row = np.array([values], "float32")
    print(f"case {name} {values} ->", run(name, row, False), run(name, row, True))
PY
(cd "$folder" && venv/bin/python -W ignore values.py 2> log | sed -n 's/^case //p' > output) || { tail -20 "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
clip [nan, 2.0] -> [nan, 1.0] [0.0, 1.0]
max [nan, 2.0] -> [nan] [2.0]
exp [nan, 0.0] -> [nan, 1.0] [inf, 1.0]
gelu [inf, 0.0] -> [inf, 0.0] [nan, 0.0]
EXPECTED
