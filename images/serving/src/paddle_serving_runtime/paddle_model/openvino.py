"""Paddle Inference's own OpenVINO engine: how it is asked for, and what keeps its silent failures out of answers.

What was seen: paddlepaddle 3.3.1. It is ignored without a word where Paddle finds a reason to; it leaves compiled
models in ./__cache__, and fails where it cannot; a second predictor in a process is unsafe; an error inside of a run is
a line on stderr, and the caller gets what an earlier run left.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from paddle_serving_runtime.paddle_model.plugin import PLUGIN, require_plugin
from paddle_serving_runtime.paddle_model.program import Program

_MAPS = Path("/proc/self/maps")
_STDERR = 2
_ERROR = re.compile(rb"^[EF]\d{4,8} \d\d:\d\d:\d\d|Exception from src/", re.MULTILINE)
"""How glog begins a line about an error, and OpenVINO the text of one."""

_T = TypeVar("_T")


class EngineUnusable(Exception):  # noqa: N818
    """The engine cannot be used for this model in this process: why, as the end of a sentence."""


class RunFailed(RuntimeError):  # noqa: N818
    """The engine failed inside of a run: what it has left in the outputs is of another run."""


@contextmanager
def engine(config: Any) -> Iterator[None]:  # noqa: ANN401 - paddle has no types
    """Asks for the engine in `config`; a predictor is made of it inside of the block.

    Raises EngineUnusable where the process has such a predictor already, and behind the block where Paddle has not
    loaded the engine; InvalidOption where it is not installed. What the engine compiles is in a folder of its own,
    which is gone after the block: no checksum covers it, so nobody reads it again.
    """
    from paddle.inference import PrecisionType  # noqa: PLC0415 - a second's import

    require_plugin()
    if is_loaded():
        raise EngineUnusable("there is a predictor with Paddle's OpenVINO engine in this process already")
    folder = tempfile.mkdtemp(prefix="paddle-serving-openvino-")
    try:
        config.set_optim_cache_dir(folder)
        config.enable_openvino_engine(PrecisionType.Float32)  # with its own choice answers are off by 5e-3
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not is_loaded():
        raise EngineUnusable("Paddle ignores its OpenVINO engine for this model: the engine is not in memory")


def is_loaded() -> bool:
    """Whether the engine's plug-in is in this process's memory; Config.openvino_engine_enabled() says so regardless."""
    return PLUGIN in _MAPS.read_text()


class ErrorWatch:
    """Reads what is written to stderr, by C++ too, while Paddle computes; what was written is passed on."""

    def __init__(self) -> None:
        self._kept = os.memfd_create("stderr")

    def run(self, compute: Callable[[], _T], *, pass_on: bool = True) -> _T:
        """What `compute` returns. Raises RunFailed where an error was written, and whatever it raises itself."""
        own = os.dup(_STDERR)
        os.dup2(self._kept, _STDERR)
        try:
            result = compute()
        finally:
            os.dup2(own, _STDERR)
            os.close(own)
            said = self._said()
            if said and pass_on:
                os.write(_STDERR, said)
        if _ERROR.search(said):
            raise RunFailed(f"Paddle's OpenVINO engine failed inside of a run: {_summary(said)}")
        return result

    def _said(self) -> bytes:
        length = os.lseek(self._kept, 0, os.SEEK_CUR)
        if not length:
            return b""
        said = os.pread(self._kept, length, 0)
        os.ftruncate(self._kept, 0)
        os.lseek(self._kept, 0, os.SEEK_SET)
        return said


def _summary(said: bytes) -> str:
    """The line that says most: the last of the first message."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    message = lines[: lines.index("")] if "" in lines else lines
    return message[-1] if message else ""


def require_errors_seen(predictor: Any, program: Program, watch: ErrorWatch) -> None:  # noqa: ANN401 - paddle
    """Runs the predictor with inputs that must fail. Raises EngineUnusable where the failure cannot be seen.

    Another version of Paddle may write its errors otherwise, or elsewhere.
    """
    for port in program.feeds:
        shape = [*(1 if size < 0 else size for size in port.shape), 1]
        predictor.get_input_handle(port.name).copy_from_cpu(np.zeros(shape, port.dtype))
    try:
        watch.run(predictor.run, pass_on=False)
    except Exception:  # noqa: BLE001 - RunFailed, or Paddle's own: the failure is seen
        return
    raise EngineUnusable("an error of Paddle's OpenVINO engine is not to be seen on stderr here; use --backend Default")
