"""A LitServe API: JSON alone, a predictor in each worker."""

from __future__ import annotations

import os

import engines
import litserve
import numpy as np


class PaddleAPI(litserve.LitAPI):
    """{"shape": ..., "data": ...} in and out."""

    def setup(self, device: str) -> None:
        """In the worker."""
        del device
        self.run = engines.served()

    def decode_request(self, request: dict) -> np.ndarray:
        """The tensor."""
        return np.array(request["data"], dtype=np.float32).reshape(request["shape"])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """One run."""
        return self.run(x)

    def encode_response(self, output: np.ndarray) -> dict:
        """The same form."""
        return {"shape": list(output.shape), "data": output.ravel().tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        PaddleAPI(), accelerator="cpu", devices=1, workers_per_device=int(os.environ["BENCH_WORKERS"])
    )
    server.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), generate_client_file=False)
