"""Which models there are, from what a worker reported when it had loaded them. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from paddle_serving_runtime.protocol.open_inference.common import VERSION

SERVICE_PLATFORM = "paddle_serving_pipeline"
MODEL_PLATFORM = "paddle_inference"


class Tensor(NamedTuple):
    """An input or output; -1 stands for a free dimension."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Model(NamedTuple):
    """What the protocol calls a model.

    The service as a whole has no inputs and outputs here: its Ops take keys of their own choice. Rows of up to
    `batch_size` requests share a run; `numbers` are those by which a worker counts it, see protocol.measured.
    """

    name: str
    platform: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batch_size: int
    numbers: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """The metadata response of the REST form."""
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": self.platform,
            "inputs": [tensor._asdict() for tensor in self.inputs],
            "outputs": [tensor._asdict() for tensor in self.outputs],
        }


def catalogue(loaded: Mapping[str, Any]) -> dict[str, Model]:
    """The models by name; none before a worker has loaded.

    A plain model has the names of the service and its own; a service with Ops, its own names and one for each Op that
    has a model. Where a name is both, it is the service's.
    """
    entries = loaded.get("models", ())
    plain = bool(entries) and not loaded.get("service")
    models = {
        entry["name"]: _model(entry, (0, number) if plain else (number,))
        for number, entry in enumerate(entries, start=1)
    }
    whole = models[entries[0]["name"]] if plain else Model("", SERVICE_PLATFORM, (), (), 1, (0,))
    for name in loaded.get("names", ()):
        models[name] = whole._replace(name=name)
    return models


def _model(entry: Mapping[str, Any], numbers: tuple[int, ...]) -> Model:
    inputs, outputs = _tensors(entry["inputs"]), _tensors(entry["outputs"])
    return Model(entry["name"], MODEL_PLATFORM, inputs, outputs, entry["batchSize"], numbers)


def _tensors(entries: list[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(entry["name"], entry["datatype"], tuple(entry["shape"])) for entry in entries)
