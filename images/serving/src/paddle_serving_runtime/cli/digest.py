"""Writes MANIFEST.sha256 of a model package and prints the digest for spec.model.digest."""

import argparse
from pathlib import Path

from paddle_serving_runtime.model.manifest import write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `digest`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the model package")


def run(arguments: argparse.Namespace) -> int:
    """Prints sha256:<hex> and returns 0. Raises ServingError."""
    print(write(arguments.directory))
    return 0
