"""Images of the Docker engine, put into the nodes."""

from collections.abc import Sequence

from e2e.kind.cluster import Cluster
from e2e.kind.console import Console


def load(names: Sequence[str], cluster: Cluster, console: Console) -> None:
    """Not written yet."""
