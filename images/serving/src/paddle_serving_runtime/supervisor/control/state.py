"""The answers behind the REST and the gRPC form."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Protocol

from paddle_serving_runtime.protocol.open_inference import EXTENSIONS, VERSION
from paddle_serving_runtime.supervisor.control.catalogue import Model, catalogue
from paddle_serving_runtime.supervisor.readiness import Readiness

NAME = "paddle-serving-runtime"


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

    `loaded` gives a worker's report, which is empty before there is one.
    """

    def __init__(self, status: Status, loaded: Callable[[], Mapping[str, Any]]) -> None:
        self._status = status
        self._loaded = loaded
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
