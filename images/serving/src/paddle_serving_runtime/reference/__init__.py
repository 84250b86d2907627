"""What Paddle Inference alone answers: the side that every served answer is compared with.

No engine, no server and no predictor of the serving path: small code of its own on paddle.inference, and Paddle
Serving's own classes where a request is unpacked and a response packed. `reference.run` computes, `reference.report`
writes and reads.
"""

from paddle_serving_runtime.reference.report import Reference, read, write

__all__ = ["Reference", "read", "write"]
