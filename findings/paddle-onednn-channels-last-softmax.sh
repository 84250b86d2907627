#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: with oneDNN, softmax behind a convolution whose channels are the last axis is one
# over another axis.
#
# The guess: data_format="NHWC" is a layout that Paddle itself translates for oneDNN; the softmax over the last axis of
# what such a convolution gives is over its channels, with oneDNN, which Paddle 3 switches on by itself, and without.
# What happens: it is one over the width, as if the result were kept as NCHW and the number of the axis stayed as it was
# for NHWC: the numbers of each pixel no longer add up to 1, those of each row do. Nothing is said, and the shape is right.
#
# Output seen:
#   eager: shape [2, 8, 8, 8], sums of 1 over the axes [3]
#   without oneDNN: shape [2, 8, 8, 8], sums of 1 over the axes [3]
#   with oneDNN: shape [2, 8, 8, 8], sums of 1 over the axes [2]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/axis.py" <<'PY'
import numpy as np
import paddle
from paddle import inference
from paddle.nn.functional import softmax


class Model(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.convolution = paddle.nn.Conv2D(8, 8, 1, data_format="NHWC")

    def forward(self, x):
        return softmax(self.convolution(x))


def run(onednn):
    config = inference.Config("model.json", "model.pdiparams")
    config.disable_glog_info()
    config.enable_mkldnn() if onednn else config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("x")
    handle.copy_from_cpu(PICTURE)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def told(values):
    ones = [axis for axis in range(1, 4) if np.allclose(values.sum(axis), 1, atol=1e-5)]
    return f"shape {list(values.shape)}, sums of 1 over the axes {ones}"


PICTURE = np.random.default_rng(0).random((2, 8, 8, 8)).astype("float32")
paddle.seed(1)
model = Model()
model.eval()
eager = model(paddle.to_tensor(PICTURE)).numpy()
paddle.jit.save(model, "model", input_spec=[paddle.static.InputSpec([None, 8, 8, 8], "float32", "x")])
print("eager:", told(eager))
for onednn in (False, True):
    print("with" if onednn else "without", "oneDNN:", told(run(onednn)))
PY
(cd "$folder" && venv/bin/python -W ignore axis.py 2> log | grep 'sums of 1' > output) || { tail -20 "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
eager: shape [2, 8, 8, 8], sums of 1 over the axes [3]
without oneDNN: shape [2, 8, 8, 8], sums of 1 over the axes [3]
with oneDNN: shape [2, 8, 8, 8], sums of 1 over the axes [2]
EXPECTED
