"""Which models there are, from what a worker reported when it had loaded them. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from paddle_serving_runtime.protocol.open_inference import VERSION

SERVICE_PLATFORM = "paddle_serving_pipeline"
MODEL_PLATFORM = "paddle_inference"


class Tensor(NamedTuple):
    """An input or output; -1 stands for a free dimension."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Model(NamedTuple):
    """What the protocol calls a model.

    The service as a whole has no inputs and outputs here: its Ops take keys of their own choice.
    """

    name: str
    platform: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

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
    models = {entry["name"]: _model(entry) for entry in loaded.get("models", ())}
    plain = next(iter(models.values()), None) if not loaded.get("service") else None
    for name in loaded.get("names", ()):
        models[name] = plain._replace(name=name) if plain else Model(name, SERVICE_PLATFORM, (), ())
    return models


def _model(entry: Mapping[str, Any]) -> Model:
    return Model(entry["name"], MODEL_PLATFORM, _tensors(entry["inputs"]), _tensors(entry["outputs"]))


def _tensors(entries: list[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(entry["name"], entry["datatype"], tuple(entry["shape"])) for entry in entries)
