"""Copies a model package from its source into a directory and verifies every file."""

import argparse
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from paddle_serving_runtime import logs
from paddle_serving_runtime.errors import DigestMismatch, InvalidOption
from paddle_serving_runtime.fetch.archive import Limits
from paddle_serving_runtime.fetch.cache import Cache
from paddle_serving_runtime.fetch.delivery import STAGE, Fill, fetch
from paddle_serving_runtime.fetch.sources import from_config_map, from_directory
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.fetch.web import TOKEN, from_http, parse_address, shown_url

_LOG = logging.getLogger(__name__)


_HTTP_HELP = (
    "a .tar.gz, .tar or .zip; with / at the end, the folder of a package's files; or hf://owner/model@revision. "
    f"{TOKEN} is a bearer token for it"
)

_KEYS_HELP = (
    "s3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. oss: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, "
    "OSS_SESSION_TOKEN. gs: GOOGLE_APPLICATION_CREDENTIALS, a file. Without them the identity that Amazon and Google "
    "give to a pod, else anonymous"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `fetch`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--from-dir", type=Path, metavar="DIR", help="a volume or a model image's files")
    source.add_argument("--from-http", metavar="URL", help=_HTTP_HELP)
    source.add_argument("--from-s3", metavar="URI", help="s3://, oss:// or gs://bucket/folder, or .../archive.tar.gz")
    source.add_argument("--from-config-map", type=Path, metavar="DIR", help="a mounted ConfigMap; __ in names is /")
    store = parser.add_argument_group("S3, OSS and Google Cloud Storage", _KEYS_HELP)
    store.add_argument("--s3-endpoint", default="", metavar="URL", help="address of the store; default: the cloud's")
    store.add_argument("--s3-region", default="", metavar="REGION", help="s3: AWS_REGION, or what the store says")
    store.add_argument("--s3-ca", type=Path, metavar="FILE", help="PEM certificates to trust instead of public ones")
    parser.add_argument("--digest", required=True, help="sha256:<hex> of MANIFEST.sha256")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="an empty directory")
    cache = parser.add_argument_group("cache", "packages that others on this node or volume have fetched already")
    cache.add_argument("--cache", type=Path, metavar="DIR", help="where they are kept; several may use it at once")
    cache.add_argument("--cache-limit", type=int, metavar="BYTES", help="of all packages in it together")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when the output directory is the verified package. Raises ServingError."""
    logs.configure(os.environ.get("LOG_LEVEL", "info"))
    # they log addresses with their queries, which carry signatures and tokens
    for library in ("urllib3", "google"):
        logging.getLogger(library).setLevel(logging.ERROR)
    progress = Progress(_LOG.info)
    deliver = _delivery(arguments, progress)
    fill, name = _source(arguments, progress)
    _LOG.info("fetching %s into %s", name, arguments.output)
    try:
        new = deliver(fill, arguments.digest, arguments.output)
    except DigestMismatch as error:
        raise DigestMismatch(f"{name}: {error.message.replace(f'{arguments.output / STAGE}/', '')}") from error
    done = "fetched and verified" if new else "already there, verified again"
    _LOG.info("%s in %.1f s: %s", done, progress.elapsed(), arguments.digest)
    return 0


def _delivery(arguments: argparse.Namespace, progress: Progress) -> Callable[[Fill, str, Path], bool]:
    if (arguments.cache is None) != (arguments.cache_limit is None):
        raise InvalidOption("--cache and --cache-limit belong together. Give both, or neither.")
    if arguments.cache_limit is not None and arguments.cache_limit <= 0:
        raise InvalidOption(f"--cache-limit {arguments.cache_limit} keeps nothing. Give a number of bytes above 0.")
    return fetch if arguments.cache is None else Cache(arguments.cache, arguments.cache_limit, progress).fetch


def _source(arguments: argparse.Namespace, progress: Progress) -> tuple[Fill, str]:
    if arguments.from_s3 is None and (arguments.s3_endpoint or arguments.s3_region or arguments.s3_ca):
        raise InvalidOption("--s3-endpoint, --s3-region and --s3-ca belong to --from-s3. Remove them, or give it.")
    if arguments.from_dir is not None:
        directory: Path = arguments.from_dir
        return lambda folder: from_directory(directory, arguments.digest, folder, progress), str(directory)
    if arguments.from_config_map is not None:
        mounted: Path = arguments.from_config_map
        return lambda folder: from_config_map(mounted, arguments.digest, folder, progress), f"config map {mounted}"
    if arguments.from_s3 is not None:
        return _from_store(arguments, progress)
    address = parse_address(arguments.from_http, os.environ.get(TOKEN, ""))
    fill = partial(from_http, address, arguments.digest, progress=progress, limits=Limits())
    return fill, shown_url(address.url)


def _from_store(arguments: argparse.Namespace, progress: Progress) -> tuple[Fill, str]:
    from paddle_serving_runtime.fetch import s3, s3_store  # noqa: PLC0415 - the client takes 0.2 s that others need not

    location = s3.parse_uri(arguments.from_s3)
    given = (arguments.s3_endpoint, arguments.s3_region, arguments.s3_ca)
    store = s3_store.parse_store(location.cloud, *given, os.environ)
    digest: str = arguments.digest
    return lambda folder: s3.from_s3(location, store, digest, folder, progress, Limits()), str(location)
