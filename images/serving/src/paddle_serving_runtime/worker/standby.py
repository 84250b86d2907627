"""A worker process without a place: it imports what every worker imports, and waits for its options."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from paddle_serving_runtime.package.contents import SCRIPT
from paddle_serving_runtime.worker.loading import import_paddle
from paddle_serving_runtime.worker.options import WorkerOptions
from paddle_serving_runtime.worker.priority import spare_goes_first, yield_to_others

_IMPORTED = b"\1"
_OPTIONS_BYTES = 256 * 1024
"""As long as one argument of a process may be (MAX_ARG_STRLEN is 128 KiB), and longer."""

_MOST_DESCRIPTORS = 3


def options_from(descriptor: int, model_dir: Path) -> WorkerOptions | None:
    """The options of the worker that this process becomes, with the descriptors that came with them.

    None where the supervisor has ended without a need for it.
    """
    yield_to_others()
    with spare_goes_first(), socket.socket(fileno=descriptor) as channel:
        _import(model_dir)
        # a supervisor that has ended does not listen any more; the empty message says so below
        with suppress(OSError):
            channel.send(_IMPORTED)
        message, received, _, _ = socket.recv_fds(channel, _OPTIONS_BYTES, _MOST_DESCRIPTORS)
    if not message:
        return None
    for each in received:
        os.set_inheritable(each, False)  # noqa: FBT003 - it takes no names
    return WorkerOptions.from_json(message.decode()).with_descriptors(received)


def _import(model_dir: Path) -> None:
    """Nothing of the service itself: its script runs once, as the worker."""
    import_paddle()
    from paddle_serving_runtime.worker import routes  # noqa: F401, PLC0415 - behind Paddle, as in a worker

    if (model_dir / SCRIPT).is_file():
        from paddle_serving_runtime.graph.script import import_serving_packages  # noqa: PLC0415 - the same

        import_serving_packages()
