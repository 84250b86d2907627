"""A worker process without a place: it imports what every worker imports, and waits for its options."""

import socket
from pathlib import Path

from paddle_serving_runtime.link.handover import receive_place, say_imported
from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.package.contents import SCRIPT
from paddle_serving_runtime.worker.loading import import_paddle
from paddle_serving_runtime.worker.priority import spare_goes_first, yield_to_others


def options_from(descriptor: int, model_dir: Path) -> WorkerOptions | None:
    """The options of the worker that this process becomes, with the descriptors that came with them.

    None where the supervisor has ended without a need for it.
    """
    yield_to_others()
    with spare_goes_first(), socket.socket(fileno=descriptor) as channel:
        _import(model_dir)
        say_imported(channel)
        return receive_place(channel)


def _import(model_dir: Path) -> None:
    """Nothing of the service itself: its script runs once, as the worker."""
    import_paddle()
    from paddle_serving_runtime.worker import routes  # noqa: F401, PLC0415 - behind Paddle, as in a worker

    if (model_dir / SCRIPT).is_file():
        from paddle_serving_runtime.graph.script import import_serving_packages  # noqa: PLC0415 - the same

        import_serving_packages()
