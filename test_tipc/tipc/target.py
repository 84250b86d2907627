"""What the runner needs of a place where services run."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from paddle_serving_runtime.consistency import Answer
from tipc.devices import Report
from tipc.exchange import Route
from tipc.matrix import Combination


class TargetError(Exception):
    """A service could not be brought up or asked; the message says what was tried and what was seen last."""


class Service(Protocol):
    """One running combination."""

    report: Report
    """What its worker says of itself."""

    def route(self) -> Route:
        """Where the client's requests go."""

    def trouble(self) -> str:
        """Why the service does not run any more, empty while it does."""

    def reference(self, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference's answers by sample name. Raises TargetError."""


class Target(Protocol):
    """Local processes, or a cluster."""

    name: str

    def command(self, combination: Combination) -> str:
        """What starts the service, for the status line."""

    def lacks(self, combination: Combination) -> str:
        """What the combination needs and this place does not have, as a sentence; empty where it can run."""

    def start(self, combination: Combination) -> AbstractContextManager[Service]:
        """A service that answers; leaving the context ends it. Raises TargetError where none does in time."""
