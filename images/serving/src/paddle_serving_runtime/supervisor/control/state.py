"""The answers behind the REST and the gRPC form."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any, Protocol

from paddle_serving_runtime.protocol.open_inference.common import EXTENSIONS, VERSION
from paddle_serving_runtime.supervisor.control.catalogue import Model, catalogue
from paddle_serving_runtime.supervisor.model_statistics import ModelStatistics
from paddle_serving_runtime.supervisor.readiness import Readiness

NAME = "paddle-serving-runtime"
_READY, _UNAVAILABLE = "READY", "UNAVAILABLE"


class Status(Protocol):
    """The pod's state."""

    def alive(self) -> bool:
        """Whether the supervisor and the front live."""

    def readiness(self) -> Readiness:
        """Whether the pod is ready."""


class NoModelError(Exception):
    """There is no such model or version; the message says which there are."""


class State:
    """Whether the pod is ready, and which models it has.

    `loaded` gives a worker's report, which is empty before there is one, `counted` the statistics by the numbers of
    the models.
    """

    def __init__(
        self,
        status: Status,
        loaded: Callable[[], Mapping[str, Any]],
        counted: Callable[[], Awaitable[Mapping[int, ModelStatistics]]],
    ) -> None:
        self._status = status
        self._loaded = loaded
        self._counted = counted
        self.version = version(NAME)
        self.extensions = EXTENSIONS

    def live(self) -> bool:
        """Whether requests can be taken at all."""
        return self._status.alive()

    def ready(self) -> bool:
        """Whether requests are answered: false while starting and while draining."""
        return self._status.readiness().ready

    def model(self, name: str, model_version: str) -> Model:
        """The model of this name; raises NoModelError."""
        models = catalogue(self._loaded())
        if name not in models:
            known = f"served here: {', '.join(sorted(models))}" if models else "nothing is loaded yet"
            raise NoModelError(f"there is no model {name[:80]!r}; {known}")
        if model_version not in ("", VERSION):
            raise NoModelError(f"model {name} has version {VERSION}, not {model_version[:20]!r}")
        return models[name]

    async def statistics(self, name: str, model_version: str) -> dict[str, Any]:
        """The fields of ModelStatisticsResponse for the model of this name, for every one where it is empty.

        Raises NoModelError.
        """
        models = [self.model(name, model_version)] if name else catalogue(self._loaded()).values()
        counted = await self._counted()
        return {"model_stats": [_statistics(model, counted) for model in models]}

    def index(self, *, only_ready: bool) -> list[dict[str, str]]:
        """The fields of ModelIndex of every model; of none where only those that are ready count and they are not."""
        readiness = self._status.readiness()
        if only_ready and not readiness.ready:
            return []
        told = {"version": VERSION, "state": _READY if readiness.ready else _UNAVAILABLE, "reason": readiness.reason}
        return [{"name": name, **told} for name in catalogue(self._loaded())]


def _statistics(model: Model, counted: Mapping[int, ModelStatistics]) -> dict[str, Any]:
    total = ModelStatistics()
    for number in model.numbers:
        total = total.merged(counted.get(number, ModelStatistics()))
    return {"name": model.name, "version": VERSION, **total.as_json()}
