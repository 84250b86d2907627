"""What happens in the operator, told to whoever counts it. Values in, nothing out."""

from typing import Protocol

from typing_extensions import override


class Recorder(Protocol):
    """Takes what happened. Every method is quick, never raises, and may be called by several threads at once."""

    def called(self, verb: str, kind: str, code: str, seconds: float) -> None:
        """The API server was asked. `code` is the HTTP status, "none" where there was no answer."""
        ...

    def passed(self, cause: str, outcome: str, seconds: float) -> None:
        """A pass over a PaddleService ended."""
        ...

    def rolled(self, outcome: str, seconds: float) -> None:
        """A rollout ended, so many seconds after it began."""
        ...

    def proved(self, verdict: str) -> None:
        """A revision told for the first time what it proved."""
        ...

    def ordered(self, verb: str, outcome: str) -> None:
        """A verb was obeyed, or refused."""
        ...


class Unrecorded(Recorder):
    """Nobody counts."""

    @override
    def called(self, verb: str, kind: str, code: str, seconds: float) -> None:
        """Nothing."""

    @override
    def passed(self, cause: str, outcome: str, seconds: float) -> None:
        """Nothing."""

    @override
    def rolled(self, outcome: str, seconds: float) -> None:
        """Nothing."""

    @override
    def proved(self, verdict: str) -> None:
        """Nothing."""

    @override
    def ordered(self, verb: str, outcome: str) -> None:
        """Nothing."""
