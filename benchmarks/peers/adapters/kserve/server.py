"""A custom predictor of KServe, as its documentation has it: Open Inference Protocol over REST and gRPC."""

from __future__ import annotations

import os

import engines
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid


class PaddleModel(Model):
    """The model is loaded when the server starts."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.load()

    def load(self) -> bool:
        """Ready when it returns."""
        self.run = engines.served()
        self.ready = True
        return self.ready

    def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        """One tensor in, one out."""
        del headers
        y = self.run(payload.inputs[0].as_numpy())
        output = InferOutput(name="y", shape=list(y.shape), datatype="FP32")
        output.set_data_from_numpy(y, binary_data=payload.use_binary_outputs)
        # a request needs no id, an answer without one is HTTP 500
        answer = payload.id or generate_uuid()
        return InferResponse(answer, self.name, [output], use_binary_outputs=payload.use_binary_outputs)


if __name__ == "__main__":
    ModelServer(
        http_port=int(os.environ["BENCH_PORT"]),
        grpc_port=int(os.environ["BENCH_GRPC_PORT"]),
        workers=int(os.environ["BENCH_WORKERS"]),
    ).start([PaddleModel("cls")])
