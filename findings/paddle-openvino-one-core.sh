#!/usr/bin/env bash
# paddlepaddle 3.3.1 (CPU) with the OpenVINO 2025.0 that it brings, Python 3.11, two processors or more: processes share a core.
#
# The guess: two processes, each with a predictor of one thread (`enable_openvino_engine`), compute side by side, as two of
# Paddle's own predictors do; where a thread runs is the kernel's business.
# What happens: while it computes, the thread is bound to the first processor that the process may use, and every process
# counts from the same one, so that two take turns on one core and the other stays idle (in 3 s together: 1,234 runs of a
# small convolutional model; 3,679 without the binding). Nothing is logged, Paddle has no switch, and between two runs the
# thread may run anywhere again, so that `taskset -p` mostly shows nothing. OpenVINO reads a setting (ENABLE_CPU_PINNING)
# from a plugins.xml beside libopenvino.so; a link to the library somewhere else is followed back.
#
# Output seen:
#   Paddle: bound to nothing, bound to nothing
#   OpenVINO: bound to the first processor, bound to the first processor
#   OpenVINO with ENABLE_CPU_PINNING NO in paddle/libs/plugins.xml: bound to nothing, bound to nothing
set -euo pipefail
[ "$(nproc)" -ge 2 ] || { echo "one processor only: nothing to see" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.2.6 setuptools==80.9.0
cat > "$folder/bound.py" <<'PY'
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

EVERY = os.sched_getaffinity(0)
WORDS = {frozenset(EVERY): "nothing", frozenset({min(EVERY)}): "the first processor"}


def save():
    os.environ["FLAGS_enable_pir_api"] = "0"  # the old form: the engine takes no other
    import paddle

    layers = paddle.nn.Sequential(paddle.nn.Linear(512, 512), paddle.nn.ReLU(), paddle.nn.Linear(512, 512))
    paddle.jit.save(layers, "model", input_spec=[paddle.static.InputSpec([None, 512], "float32", "x")])


def compute(openvino):
    import numpy as np
    import paddle.inference as inference

    config = inference.Config("model.pdmodel", "model.pdiparams")
    config.set_cpu_math_library_num_threads(1)
    cache = Path(f"cache-{os.getpid()}")
    cache.mkdir()
    config.set_optim_cache_dir(str(cache))
    if openvino:
        config.enable_openvino_engine(inference.PrecisionType.Float32)
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("x")
    rows = np.ones((256, 512), "float32")
    print("ready", flush=True)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        handle.reshape(rows.shape)
        handle.copy_from_cpu(rows)
        predictor.run()


def watched(kind):
    command = [sys.executable, "-W", "ignore", __file__, kind]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    for one in both:
        while one.stdout.readline().strip() != b"ready":
            assert one.poll() is None
    seen = [Counter(), Counter()]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for one, looks in zip(both, seen):
            tasks = [int(task.name) for task in Path(f"/proc/{one.pid}/task").iterdir()]
            looks[min((frozenset(os.sched_getaffinity(task)) for task in tasks), key=len)] += 1
    for one in both:
        one.wait()
    mostly = [looks.most_common(1)[0][0] for looks in seen]
    return ", ".join(f"bound to {WORDS.get(found, sorted(found))}" for found in mostly)


if sys.argv[1] == "save":
    save()
elif sys.argv[1] == "watch":
    print("found", watched(sys.argv[2]))
else:
    compute(sys.argv[1] == "openvino")
PY
run() { (cd "$folder" && OMP_NUM_THREADS=1 venv/bin/python -W ignore bound.py "$@" 2>> log) || { tail -20 "$folder/log" >&2; exit 1; }; }
run save > /dev/null
{
    echo "Paddle: $(run watch paddle | sed -n 's/^found //p')"
    echo "OpenVINO: $(run watch openvino | sed -n 's/^found //p')"
    cat > "$(echo "$folder"/venv/lib/python3*/site-packages/paddle/libs)/plugins.xml" <<'XML'
<ie><plugins><plugin name="CPU" location="libopenvino_intel_cpu_plugin.so"><properties>
<property key="ENABLE_CPU_PINNING" value="NO"/></properties></plugin></plugins></ie>
XML
    echo "OpenVINO with ENABLE_CPU_PINNING NO in paddle/libs/plugins.xml: $(run watch openvino | sed -n 's/^found //p')"
} > "$folder/output"
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
Paddle: bound to nothing, bound to nothing
OpenVINO: bound to the first processor, bound to the first processor
OpenVINO with ENABLE_CPU_PINNING NO in paddle/libs/plugins.xml: bound to nothing, bound to nothing
EXPECTED
