"""Copies a model package from its source into a directory and verifies every file."""

import argparse
import logging
import os
from collections.abc import Callable
from pathlib import Path

from paddle_serving_runtime import logs
from paddle_serving_runtime.errors import DigestMismatch
from paddle_serving_runtime.model.archive import Limits
from paddle_serving_runtime.model.fetch import STAGE, fetch
from paddle_serving_runtime.model.sources import Progress, from_config_map, from_directory, from_http, shown_url

_LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `fetch`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--from-dir", type=Path, metavar="DIR", help="a volume or a model image's files")
    source.add_argument("--from-http", metavar="URL", help="a .tar.gz, .tar or .zip")
    source.add_argument("--from-config-map", type=Path, metavar="DIR", help="a mounted ConfigMap; __ in names is /")
    parser.add_argument("--digest", required=True, help="sha256:<hex> of MANIFEST.sha256")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="an empty directory")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when the output directory is the verified package. Raises ServingError."""
    logs.configure(os.environ.get("LOG_LEVEL", "info"))
    progress = Progress(_LOG.info)
    fill, name = _source(arguments, progress)
    _LOG.info("fetching %s into %s", name, arguments.output)
    try:
        new = fetch(fill, arguments.digest, arguments.output)
    except DigestMismatch as error:
        raise DigestMismatch(f"{name}: {error.message.replace(f'{arguments.output / STAGE}/', '')}") from error
    done = "fetched and verified" if new else "already there, verified again"
    _LOG.info("%s in %.1f s: %s", done, progress.elapsed(), arguments.digest)
    return 0


def _source(arguments: argparse.Namespace, progress: Progress) -> tuple[Callable[[Path], None], str]:
    if arguments.from_dir is not None:
        directory: Path = arguments.from_dir
        return lambda folder: from_directory(directory, arguments.digest, folder, progress), str(directory)
    if arguments.from_config_map is not None:
        mounted: Path = arguments.from_config_map
        return lambda folder: from_config_map(mounted, folder, progress), f"config map {mounted}"
    url: str = arguments.from_http
    return lambda folder: from_http(url, folder, progress, Limits()), shown_url(url)
