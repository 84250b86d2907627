"""What is wrong with single modules of Paddle Serving 0.9.0, and the repair of each."""

import builtins
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

BYTES_ELEM_TYPE = 13


def define_env_check(module: ModuleType) -> None:
    """The self-test of the wheel imports pytest whenever the server is imported; nobody calls it."""

    def check_env(_mode: str) -> NoReturn:
        raise RuntimeError("The environment check of Paddle Serving is not part of this runtime.")

    module.check_env = check_env  # type: ignore[attr-defined]


def define_logger(module: ModuleType) -> None:
    """The module takes over the root logger and opens log files when it is imported.

    Ours only keeps the packages to their errors: they log six lines for a request.
    """
    logging.getLogger("paddle_serving_server").setLevel(logging.ERROR)
    module.logger_config = {}  # type: ignore[attr-defined]


def keep_process_group_alive(module: ModuleType) -> None:
    """An exception that is not meant for the client makes the packages kill their process group; now it is raised."""

    def refuse(command: str, pid: int) -> NoReturn:
        logging.getLogger(__name__).error("Paddle Serving asked to %s process group %d", command, pid)
        raise RuntimeError("Paddle Serving asked to kill its own process group; see the error before this one.")

    module.kill_stop_process_by_pid = refuse  # type: ignore[attr-defined]


def restore_operator_module(module: ModuleType) -> None:
    """Undoes `from numpy import *` for the names of builtins, and refuses tensors of opaque bytes.

    With numpy 2 `max(1, retry)` would call numpy.max, so an Op(retry=2) fails. Of a tensor of elem_type 13
    Paddle Serving 0.9.0 makes more than data, whoever sent it.
    """
    for name in dir(builtins):
        if getattr(module.__dict__.get(name), "__module__", None) == "numpy":
            delattr(module, name)
    request_op: Any = module.RequestOp
    unpack = request_op.proto_tensor_2_numpy

    def proto_tensor_2_numpy(self: object, tensor: Any) -> Any:  # noqa: ANN401 - generated protobuf message
        if tensor.elem_type == BYTES_ELEM_TYPE:
            raise ValueError(f"tensor {tensor.name} has elem_type 13 (opaque bytes), which is refused")
        return unpack(self, tensor)

    request_op.proto_tensor_2_numpy = proto_tensor_2_numpy


@contextmanager
def no_signal_handlers() -> Iterator[None]:
    """Within it signal.signal changes nothing, and works in any thread: the process has its own handlers."""
    original = signal.signal
    signal.signal = lambda number, _handler: signal.getsignal(number)  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = original


@contextmanager
def loaded_numpy_alone() -> Iterator[None]:
    """Within it `from numpy import *` takes what numpy has loaded, and loads nothing.

    From numpy 2 on it imports f2py, testing and ten more that nobody uses: 7 MiB of every worker.
    """
    everything = np.__all__
    np.__all__ = [name for name in everything if name in vars(np)]
    try:
        yield
    finally:
        np.__all__ = everything
