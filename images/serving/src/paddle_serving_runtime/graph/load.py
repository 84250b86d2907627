from collections.abc import Mapping

from paddle_serving_runtime.graph.node import Graph
from paddle_serving_runtime.model.package import Package
from paddle_serving_runtime.model.predictor import Switches


def load(package: Package, overrides: Mapping[str, str], defaults: Switches) -> Graph:
    """The graph of a package.

    A package with web_service.py is executed in its own directory, which stays the working directory of the process
    as it does under Paddle Serving; nothing listens, nothing is written into the package. `overrides` are config.yml
    keys with dots. What config.yml sets wins over `defaults`.
    Raises ServiceBroken with file, line and the error.
    """
    raise NotImplementedError
