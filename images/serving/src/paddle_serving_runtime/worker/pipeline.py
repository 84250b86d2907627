"""The pipeline engine inside a worker process: what its forked processes must not keep, and its end."""

import contextlib
import logging
import os
import time
from typing import NoReturn

from paddle_serving_runtime.engine.pipeline.engine import PipelineEngine
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.link.options import WorkerOptions

_LOG = logging.getLogger(__name__)
_ANSWERING_SECONDS = 0.1
_ENDED = 70


def pipeline_engine(options: WorkerOptions, graph: Graph) -> PipelineEngine:
    """Starts the engine; raises ServingError. When a part of it ends, so does this process, after it has said so.

    The supervisor reads the end of this process from pipes; the processes of the Ops close their copies.
    """
    inherited = list(options.descriptors)

    def close_inherited() -> None:
        while inherited:
            with contextlib.suppress(OSError):
                os.close(inherited.pop())

    os.register_at_fork(after_in_child=close_inherited)
    try:
        return PipelineEngine(graph, _end)
    finally:
        inherited.clear()


def _end(why: str) -> NoReturn:
    _LOG.error("the pipeline cannot answer any more: %s", why)
    # the calls in flight have failed; the event loop is sending that
    time.sleep(_ANSWERING_SECONDS)
    os._exit(_ENDED)
