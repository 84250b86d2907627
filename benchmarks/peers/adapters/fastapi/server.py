"""A hand-written FastAPI: one predictor a worker, JSON at /predict and the bytes of the tensor at /bytes."""

from __future__ import annotations

import engines
import numpy as np
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

app = FastAPI()
run = engines.served()


class Tensor(BaseModel):
    """A float32 tensor, its numbers in the order of memory."""

    shape: list[int]
    data: list[float]


@app.post("/predict")
async def predict(x: Tensor) -> Tensor:
    """A predictor is not for two threads, so nothing is handed to a pool."""
    y = run(np.array(x.data, dtype=np.float32).reshape(x.shape))
    return Tensor(shape=list(y.shape), data=y.ravel().tolist())


@app.post("/bytes")
async def predict_bytes(request: Request) -> Response:
    """The shape is in a header."""
    shape = [int(size) for size in request.headers["x-shape"].split(",")]
    y = run(np.frombuffer(await request.body(), dtype=np.float32).reshape(shape))
    return Response(y.tobytes(), headers={"x-shape": ",".join(map(str, y.shape))})
