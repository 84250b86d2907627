#!/usr/bin/env bash
# paddlepaddle 3.3.1, CPU, Python 3.11: a model in the .json form answers wrong numbers with Paddle Inference's defaults.
#
# The guess: oneDNN, on by default since Paddle 3, changes the last digits of an answer; whoever compares Paddle Inference
# with the model in the framework sees 1e-6.
# What happens: a convolution leaves its result in oneDNN's layout of channel blocks. In the .json form, a reshape and a
# transpose of it are folded into the matrix product behind them (reshape_transpose_matmul_fuse_pass), which then reads
# the blocks as if they were plain rows; the same happens to a product of four-dimensional feature maps. Nothing is
# raised or logged. A non-local block, an attention over feature maps and the usual end of a text recognizer (pooling,
# reshape, transpose, linear) are hit; a linear layer after flatten() is not. Without oneDNN, and in the .pdmodel form,
# the answers are right.
#
# Output seen (largest difference from the model in the framework):
#   non-local block    default 1.1e+00  without oneDNN 0.0e+00
#   recognizer's end   default 6.8e-01  without oneDNN 0.0e+00
#   linear, flattened  default 4.2e-07  without oneDNN 0.0e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/products.py" <<'PY'
import sys

import numpy as np
import paddle
from paddle import inference
from paddle.nn import functional
from paddle.static import InputSpec


class NonLocal(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (paddle.nn.Conv2D(4, 4, 3, padding=1) for _ in range(3))

    def forward(self, x):
        theta = self.one(x).reshape([2, 4, -1]).transpose([0, 2, 1])
        g = self.three(x).reshape([2, 4, -1]).transpose([0, 2, 1])
        weights = functional.softmax(paddle.matmul(theta, self.two(x).reshape([2, 4, -1])))
        return paddle.matmul(weights, g)


class Recognizer(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.convolution, self.linear = paddle.nn.Conv2D(4, 4, 3, padding=1), paddle.nn.Linear(4, 5)

    def forward(self, x):
        rows = functional.avg_pool2d(functional.relu(self.convolution(x)), [8, 1])
        return self.linear(rows.reshape([2, 4, 8]).transpose([0, 2, 1]))


class Flattened(Recognizer):
    def forward(self, x):
        return self.linear(self.convolution(x).flatten(2).transpose([0, 2, 1]))


def difference(network, path, *, onednn):
    config = inference.Config(f"{path}.json", f"{path}.pdiparams")
    config.disable_glog_info()
    if not onednn:
        config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    x = np.random.RandomState(0).rand(2, 4, 8, 8).astype("float32")
    predictor.get_input_handle("x").copy_from_cpu(x)
    predictor.run()
    answer = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    return float(np.abs(answer - network(paddle.to_tensor(x)).numpy()).max())


paddle.seed(1)
found = {}
networks = {"non-local block": NonLocal(), "recognizer's end": Recognizer(), "linear, flattened": Flattened()}
for name, network in networks.items():
    network.eval()
    path = f"{sys.argv[1]}/{name.split()[0]}/inference"
    paddle.jit.save(network, path, input_spec=[InputSpec([2, 4, 8, 8], "float32", "x")])
    found[name] = [difference(network, path, onednn=onednn) for onednn in (True, False)]
    print(f"{name:<18} default {found[name][0]:.1e}  without oneDNN {found[name][1]:.1e}")
wrong, right = 1e-2, 1e-5
assert min(found["non-local block"][0], found["recognizer's end"][0]) > wrong, "Paddle has changed"
assert max(without for _, without in found.values()) < right
assert found["linear, flattened"][0] < right
PY
"$folder/venv/bin/python" -W ignore "$folder/products.py" "$folder/models" 2> "$folder/log" || { tail -5 "$folder/log"; exit 1; }
