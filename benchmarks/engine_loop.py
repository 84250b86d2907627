"""Paddle Inference alone in one process, told by lines on stdin what to run: FOLDER INPUT.npz VARIANT.

Each line is answered with a line of JSON:

    loop N     CPU ms of a run, in N of them one after the other
    rest N     the same with a rest before each, as a server at one connection has it
    mixed N    resident MiB before and after N runs of inputs of changing sizes, and the most of it

The environment decides what allocates; VARIANT what is switched otherwise than by default.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REST_SECONDS = 0.001
SEED = 11
_DELETED_PASSES = ("repeated_fc_relu_fuse_pass", "conv_transpose_eltwiseadd_bn_fuse_pass")
ALL_PASSES = "all of Paddle's passes"
PASS_LISTS: Mapping[str, tuple[str, ...]] = {
    ALL_PASSES: (),
    # without the one of bias or of batch normalisation oneDNN fails: no primitive for a binary operation
    "without sums and activations in convolutions": (
        *("conv_elementwise_add_onednn_fuse_pass", "conv_activation_onednn_fuse_pass"),
    ),
    "without oneDNN's fc": ("fc_onednn_pass", "fc_act_onednn_fuse_pass"),
    "without fused products of matrices": (
        *("reshape_transpose_matmul_onednn_fuse_pass", "matmul_transpose_reshape_onednn_fuse_pass"),
        *("matmul_elementwise_add_onednn_fuse_pass", "matmul_activation_onednn_fuse_pass", "scale_matmul_fuse_pass"),
    ),
    "without folded constants": ("constant_folding_pass",),
}
"""What is taken out of Paddle's list of passes, beside what the runtime takes out; the first is without that too."""

_WARM_UP = 8
_WIDEST = 64
_MOST_ROWS = 64
_IMAGE_RANK = 4
Feed = Mapping[str, NDArray[Any]]


def load(folder: Path, variant: str) -> Any:  # noqa: ANN401 - paddle has no types
    """The predictor with the runtime's switches, but for the one that `variant` names."""
    from paddle import inference  # noqa: PLC0415 - with the environment of this process

    programs = sorted(folder.glob("*.pdmodel"))
    files = (str(programs[0]), str(programs[0].with_suffix(".pdiparams"))) if programs else (str(folder),)
    config = inference.Config(*files)
    config.disable_glog_info()
    config.disable_gpu()
    if variant != "no memory optimisation":
        config.enable_memory_optim()
    config.switch_ir_optim(True)  # noqa: FBT003 - Paddle's signature
    config.set_cpu_math_library_num_threads(1)
    config.enable_mkldnn()
    if variant == "new executor":
        config.enable_new_executor(True)  # noqa: FBT003 - as above
    if variant == "PIR and its executor":
        config.enable_new_executor(True)  # noqa: FBT003 - as above
        config.enable_new_ir(True)  # noqa: FBT003 - as above
    # after oneDNN is on, which has passes of its own
    for name in () if variant == ALL_PASSES else (*_DELETED_PASSES, *PASS_LISTS.get(variant, ())):
        config.delete_pass(name)
    return inference.create_predictor(config)


class Loop:
    """A loaded model with one input that comes again and again."""

    def __init__(self, predictor: Any, feed: Feed) -> None:  # noqa: ANN401 - paddle has no types
        self._predictor = predictor
        self._feed = feed
        self._inputs = {name: predictor.get_input_handle(name) for name in predictor.get_input_names()}

    def run(self, feed: Feed) -> list[NDArray[Any]]:
        """The outputs."""
        for (_, handle), array in zip(self._inputs.items(), feed.values(), strict=True):
            handle.copy_from_cpu(array)
        self._predictor.run()
        return [self._predictor.get_output_handle(name).copy_to_cpu() for name in self._predictor.get_output_names()]

    def digest(self) -> str:
        """Of the bits of all outputs, after some runs."""
        for _ in range(_WARM_UP):
            outputs = self.run(self._feed)
        return hashlib.sha256(b"".join(output.tobytes() for output in outputs)).hexdigest()

    def answer(self, what: str, runs: int) -> dict[str, Any]:
        """The figures of a command."""
        if what == "mixed":
            return self._mixed(runs)
        spent = 0.0
        for _ in range(runs):
            if what == "rest":
                time.sleep(REST_SECONDS)
            before = time.process_time()
            self.run(self._feed)
            spent += time.process_time() - before
        return {"cpu_ms": round(spent / runs * 1e3, 5)}

    def _mixed(self, runs: int) -> dict[str, Any]:
        random = np.random.default_rng(SEED)
        before = resident_mib()
        for _ in range(runs):
            self.run({name: resized(array, random) for name, array in self._feed.items()})
        return {"before_mib": before, "after_mib": resident_mib(), "most_mib": _status("VmHWM"), "runs": runs}


def resized(array: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    """Another number of rows, for pictures another width too."""
    if array.ndim < _IMAGE_RANK:
        return np.repeat(array[:1], int(random.integers(1, _MOST_ROWS + 1)), axis=0)
    width = 8 * int(random.integers(1, _WIDEST // 8 + 1))
    rows = int(random.integers(1, 3))
    return np.ascontiguousarray(np.repeat(array[:1, :, :, :width], rows, axis=0))


def resident_mib() -> float:
    """Of this process, now."""
    return _status("VmRSS")


def _status(field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise AssertionError(field)
    return round(int(found[1]) / 1024, 1)


def main() -> int:
    """Exit status 0 at the end of stdin."""
    folder, inputs, variant = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    loop = Loop(load(folder, variant), dict(np.load(inputs)))
    print(json.dumps({"bits": loop.digest()}), flush=True)
    for line in sys.stdin:
        what, _, runs = line.partition(" ")
        print(json.dumps(loop.answer(what, int(runs))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
