"""What Paddle Inference alone answers: the side that every served answer is compared with."""

from paddle_serving_runtime.reference.report import Reference, read, write
from paddle_serving_runtime.reference.run import run

__all__ = ["Reference", "read", "run", "write"]
