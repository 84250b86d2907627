"""The front sends to the workers exactly what they answer: its copies of the names are those of the protocols."""

from paddle_serving_runtime.front import names
from paddle_serving_runtime.protocol import paths


def test_the_front_knows_the_methods_that_workers_answer() -> None:
    assert (names.PIPELINE_METHOD, names.OPEN_INFERENCE_METHOD) == paths.WORKER_GRPC_PATHS
