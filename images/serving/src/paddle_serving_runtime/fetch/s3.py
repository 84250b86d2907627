"""Model packages in a store that speaks S3, of any cloud: the files of a package below a prefix, or one archive."""

import re
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO

from minio import Minio
from minio.error import MinioException
from typing_extensions import override
from urllib3.exceptions import HTTPError

from paddle_serving_runtime.errors import DigestMismatch, InvalidOption, ModelUnavailable
from paddle_serving_runtime.fetch.archive import Limits, RefusedError, safe_name
from paddle_serving_runtime.fetch.clouds import CLOUDS, Cloud
from paddle_serving_runtime.fetch.s3_client import connect
from paddle_serving_runtime.fetch.s3_errors import explain
from paddle_serving_runtime.fetch.s3_store import Store
from paddle_serving_runtime.fetch.transfer import WINDOW_BYTES, Pace, Progress, unpack_into
from paddle_serving_runtime.package.manifest import MANIFEST, MAX_MANIFEST_BYTES, entries, require_same_files
from paddle_serving_runtime.words import counted

CONNECTIONS = 8
_CHUNK = 1 << 20
_ATTEMPTS = 5  # of one file; each goes on where the one before was cut off
_POLL_SECONDS = 0.5
_URI = re.compile(r"(s3|oss|gs)://([^/\s]+)(?:/(.*))?")
# the last four are the client's answer to XML that is broken, or that is no listing
_STORE_FAILED = (MinioException, HTTPError, ValueError, SyntaxError, TypeError, AttributeError)
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")


@dataclass(frozen=True)
class Location:
    """A bucket and what the keys of a package begin with, without `/` at the end; "" is the whole bucket."""

    cloud: Cloud
    bucket: str
    prefix: str

    @override
    def __str__(self) -> str:
        return self.uri(self.prefix)

    def uri(self, key: str) -> str:
        """The address of an object of the bucket."""
        return f"{self.cloud.scheme}://{self.bucket}/{key}".rstrip("/")


@dataclass(frozen=True)
class Item:
    """An object of a package: its key, its path in the package, its size in bytes."""

    key: str
    path: Path
    size: int


def parse_uri(uri: str) -> Location:
    """The location that s3://bucket/prefix means, or oss:// or gs://. Raises InvalidOption."""
    match = _URI.fullmatch(uri)
    if match is None or {".", ".."} & set((match[3] or "").split("/")):
        raise InvalidOption(
            f"--from-s3 takes s3://<bucket>/<folder or archive>, oss://... or gs://... without .., not {uri!r}."
        )
    return Location(CLOUDS[match[1]], match[2], (match[3] or "").strip("/"))


def from_s3(location: Location, store: Store, digest: str, folder: Path, progress: Progress, limits: Limits) -> None:
    """Downloads a package: an archive where the URI ends like one, else the objects below the prefix.

    The digest of the manifest, the names and the announced sizes are checked before anything else is downloaded.
    Raises ModelUnavailable where the store or its contents cannot be used, DigestMismatch for another package,
    InvalidOption for a bucket that cannot exist.
    """
    client = connect(store, location.bucket, CONNECTIONS)
    try:
        if location.prefix.endswith(_ARCHIVES):
            _from_archive(client, location, folder, progress, limits)
        else:
            _from_objects(client, location, digest, folder, progress, limits)
    except _STORE_FAILED as error:
        raise ModelUnavailable(explain(error, store, str(location))) from error


def _from_archive(client: Minio, location: Location, folder: Path, progress: Progress, limits: Limits) -> None:
    size = client.stat_object(location.bucket, location.prefix).size or 0
    item = Item(location.prefix, Path(".archive"), size)
    _check_size(location, [item], limits)
    _Download(client, location, folder, progress).run([item])
    unpack_into(folder / item.path, folder, progress, limits)


def _from_objects(
    client: Minio, location: Location, digest: str, folder: Path, progress: Progress, limits: Limits
) -> None:
    items = _list(client, location, limits)
    manifest = [item for item in items if item.path == Path(MANIFEST)]
    _check_size(location, items, limits)
    if any(item.size > MAX_MANIFEST_BYTES for item in manifest):
        raise DigestMismatch(
            f"{location}/{MANIFEST} is larger than {MAX_MANIFEST_BYTES >> 20} MiB; that is not a manifest."
        )
    _Download(client, location, folder, progress).run(manifest)
    expected = entries(folder, digest)
    require_same_files(expected, {item.path.as_posix() for item in items} - {MANIFEST}, str(location))
    _Download(client, location, folder, progress).run(item for item in items if item not in manifest)


def _list(client: Minio, location: Location, limits: Limits) -> list[Item]:
    """The objects below the prefix; the marks that consoles make for empty folders are left out."""
    before = f"{location.prefix}/" if location.prefix else ""
    found = client.list_objects(location.bucket, prefix=before, recursive=True)
    items: list[Item] = []
    for entry in islice(found, limits.members + 1):
        key = entry.object_name or ""
        if key.endswith("/") and not entry.size:
            continue
        items.append(Item(key, _path_of(key, before), entry.size or 0))
    if not items:
        raise ModelUnavailable(
            f"{location} has no objects. Check bucket and folder; an archive is named with its ending, "
            f"{', '.join(_ARCHIVES)}."
        )
    if len(items) > limits.members:
        raise ModelUnavailable(f"{location} has more than {limits.members} objects. Name the folder of one package.")
    _refuse_collisions(location, items)
    return items


def _refuse_collisions(location: Location, items: list[Item]) -> None:
    folders = {parent for item in items for parent in item.path.parents}
    seen: set[Path] = set()
    for item in items:
        if item.path in folders:
            raise ModelUnavailable(f"{location} has {item.path} both as a file and as a folder. Remove one of them.")
        if item.path in seen:
            raise ModelUnavailable(f"{location} lists {item.path} twice. Do not trust this store.")
        seen.add(item.path)


def _path_of(key: str, before: str) -> Path:
    name = key.removeprefix(before)
    try:
        path = safe_name(name)
    except RefusedError as error:
        raise ModelUnavailable(f"the bucket {error}. A package has plain files and folders only.") from None
    if not key.startswith(before) or path.as_posix() != name:
        raise ModelUnavailable(f"{key!r} cannot be a file of a package. Rename or remove the object.")
    return path


def _check_size(location: Location, items: Iterable[Item], limits: Limits) -> None:
    if sum(item.size for item in items) > limits.unpacked_bytes:
        raise ModelUnavailable(f"{location} is larger than {counted(limits.unpacked_bytes, 'byte')}.")


class _Download:
    """Downloads objects at the same time into a folder; the first failure ends all."""

    def __init__(self, client: Minio, location: Location, folder: Path, progress: Progress) -> None:
        self._client = client
        self._location = location
        self._folder = folder
        self._progress = progress
        self._done = 0
        self._lock = Lock()
        self._over = Event()

    def run(self, items: Iterable[Item]) -> None:
        """Returns when every object is there. Raises what the first failing one raises."""
        wanted = list(items)
        total = sum(item.size for item in wanted)
        pace = Pace()
        with ThreadPoolExecutor(CONNECTIONS, "s3") as pool:
            waiting: set[Future[None]] = {pool.submit(self._one, item) for item in wanted}
            try:
                while waiting:
                    # many small files are slow, too, but they arrive: each counts as much as patience asks for
                    ended, waiting = wait(waiting, _POLL_SECONDS, FIRST_EXCEPTION)
                    for future in ended:
                        future.result()
                    self._progress("downloaded", self._done, total)
                    pace.check(self._done + (len(wanted) - len(waiting)) * WINDOW_BYTES)
            finally:
                self._over.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, item: Item) -> None:
        target = self._folder / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with target.open("xb") as sink:
            for attempt in range(_ATTEMPTS):
                try:
                    written = self._rest(item, sink, written)
                    break
                except HTTPError:  # cut off in the middle; what is wrong from the start was tried again by urllib3
                    written = sink.tell()
                    if attempt == _ATTEMPTS - 1 or self._over.is_set():
                        raise
        if written != item.size and not self._over.is_set():
            raise ModelUnavailable(
                f"{self._location.uri(item.key)} has {counted(written, 'byte')}, but the store announced {item.size}. "
                "It may have been replaced meanwhile; upload it again."
            )

    def _rest(self, item: Item, sink: BinaryIO, start: int) -> int:
        """Writes the object from byte `start` on; returns how much of it is there."""
        if start >= item.size:
            return start
        response = self._client.get_object(self._location.bucket, item.key, offset=start)
        try:
            # as it is stored: the size in the listing is that of what a Content-Encoding has made of it
            while chunk := response.read1(_CHUNK, decode_content=False):
                sink.write(chunk)
                start += len(chunk)
                with self._lock:
                    self._done += len(chunk)
                if self._over.is_set() or start > item.size:
                    break
        finally:
            response.close()
            response.release_conn()
        return start
