#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU), Python 3.11: with FLAGS_enable_pir_api=0, paddle.jit.save cannot save networks that call some functions.
#
# The guess: the flag chooses the form of the saved program (.pdmodel instead of .json) and nothing else.
# What happens: functions that Paddle 3.3 has moved to its generated bindings (sum, matmul, sigmoid, and others) know
# eager tensors and the new form's values alone; under the flag they are given variables of the old form and refuse them.
# Layers (Linear, Conv2D, Embedding, Softmax) and mean, concat and relu work.
#
# Output seen:
#   mean: saved
#   sum: TypeError: sum(): argument (position 1) must be Value
#   matmul: TypeError: matmul(): argument (position 1) must be Value
#   sigmoid: TypeError: sigmoid(): argument (position 1) must be Value
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/methods.py" <<'PY'
import os
import re
import sys

os.environ["FLAGS_enable_pir_api"] = "0"
import paddle


class Network(paddle.nn.Layer):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        y = x * 2
        if self.name == "matmul":
            return paddle.matmul(y, y)
        return getattr(paddle.nn.functional if self.name == "sigmoid" else paddle, self.name)(y)


for name in ("mean", "sum", "matmul", "sigmoid"):
    spec = [paddle.static.InputSpec([4, 4], "float32", name="x")]
    try:
        paddle.jit.save(Network(name), f"{sys.argv[1]}/{name}", input_spec=spec)
        print(f"{name}: saved")
    except (TypeError, ValueError) as error:
        found = re.search(r"\w+\(\): argument \(position 1\) must be Value", str(error))
        print(f"{name}: {type(error).__name__}: {found[0] if found else error}")
PY
"$folder/venv/bin/python" -W ignore "$folder/methods.py" "$folder" 2>/dev/null
