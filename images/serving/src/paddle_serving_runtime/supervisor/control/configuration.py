"""A model's configuration as Triton's model configuration extension has it, from its metadata. Pure."""

from typing import Any

from paddle_serving_runtime.protocol.open_inference.messages import DATA_TYPES
from paddle_serving_runtime.supervisor.control.catalogue import Model, Tensor

_BACKEND = "paddle"
_FREE = -1
_NO_TYPE = "TYPE_INVALID"


def max_batch_size(model: Model) -> int:
    """Rows that a client may send together, which clients also take as leave to split a request; 0 for none.

    It is the `batch_size` that the service's author gave the Op, where the first dimension of every tensor is free.
    Nothing else says that rows are independent of each other, also not a free first dimension.
    """
    tensors = (*model.inputs, *model.outputs)
    free = bool(tensors) and all(tensor.shape[:1] == (_FREE,) for tensor in tensors)
    return model.batch_size if free and model.batch_size > 1 else 0


def configuration(model: Model) -> dict[str, Any]:
    """The fields of ModelConfig. With a max_batch_size `dims` are those of a row, without one the whole shape."""
    batch = max_batch_size(model)
    return {
        "name": model.name,
        "platform": model.platform,
        "backend": _BACKEND,
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": batch,
        "input": [{**_tensor(tensor, batch), "optional": False} for tensor in model.inputs],
        "output": [_tensor(tensor, batch) for tensor in model.outputs],
    }


def _tensor(tensor: Tensor, batch: int) -> dict[str, Any]:
    dims = tensor.shape[1:] if batch else tensor.shape
    return {"name": tensor.name, "data_type": DATA_TYPES.get(tensor.datatype, _NO_TYPE), "dims": list(dims)}
