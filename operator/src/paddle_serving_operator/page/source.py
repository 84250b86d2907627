"""What the page is made from."""

from typing import Protocol

from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.view.overview import Objects


class Source(Protocol):
    """PaddleServices as they are known at the moment, in memory. No method waits for anybody."""

    def services(self) -> list[Manifest]:
        """Every PaddleService."""
        ...

    def objects(self, namespace: str, name: str) -> Objects | None:
        """A PaddleService and what belongs to it, None where there is none."""
        ...

    def gaps(self) -> tuple[str, ...]:
        """Sentences about what is not known, or perhaps not any more."""
        ...
