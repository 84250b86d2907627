"""A BentoML service: JSON alone (its binary form is pickle), a predictor in each worker."""

from __future__ import annotations

import os

import bentoml
import engines
import numpy as np


@bentoml.service(workers=int(os.environ["BENCH_WORKERS"]))
class Cls:
    """{"x": nested numbers} in, nested numbers out."""

    def __init__(self) -> None:
        self.run = engines.served()

    @bentoml.api
    def predict(self, x: np.ndarray) -> np.ndarray:
        """One run. BentoML starts one thread for a method that is not asynchronous."""
        return self.run(x.astype(np.float32))
