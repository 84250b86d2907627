"""A custom runtime of MLServer: Open Inference Protocol over REST and gRPC, a predictor in each worker."""

from __future__ import annotations

import engines
from mlserver import MLModel
from mlserver.codecs import NumpyRequestCodec
from mlserver.types import InferenceRequest, InferenceResponse


class PaddleRuntime(MLModel):
    """One tensor in, one out."""

    async def load(self) -> bool:
        """In the worker."""
        self.run = engines.served()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One run."""
        y = self.run(self.decode_request(payload, default_codec=NumpyRequestCodec))
        return self.encode_response(y, default_codec=NumpyRequestCodec)
