"""What the runner needs of a place where services run."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from paddle_serving_runtime.consistency import Answer
from tipc.matrix import Combination
from tipc.recorder import Route


class TargetError(Exception):
    """A service could not be brought up or asked; the message says what was tried and what was seen last."""


class Service(Protocol):
    """One running combination."""

    def route(self) -> Route:
        """Where the client's requests go, and how long they may wait for the service to start."""

    def trouble(self) -> str:
        """Why the service does not run, empty while it does."""

    def reference(self, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference's answers by sample name. Raises TargetError."""


class Target(Protocol):
    """Local processes, or a cluster."""

    name: str

    def command(self, combination: Combination) -> str:
        """What starts the service, for the status line."""

    def start(self, combination: Combination) -> AbstractContextManager[Service]:
        """Starts the service; leaving the context ends it. Raises TargetError."""
