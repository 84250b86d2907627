"""What a copy says of the files that it has written is what is in them."""

import errno
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paddle_serving_runtime.errors import DigestMismatch
from paddle_serving_runtime.fetch.reading_back import ReadingBack
from paddle_serving_runtime.fetch.sources import from_directory
from paddle_serving_runtime.fetch.transfer import Progress
from paddle_serving_runtime.package.manifest import MANIFEST, file_digest, verify, write

PIECES = [b"a" * 5, b"", b"b" * 3_000_000, b"c" * ((1 << 20) + 1)]


def read_back(path: Path, pieces: list[bytes]) -> str:
    with path.open("x+b", buffering=0) as file, ThreadPoolExecutor(1) as thread:
        reading = ReadingBack(file, thread)
        for piece in pieces:
            file.write(piece)
            reading.written(len(piece))
        return reading.hexdigest()


def test_it_is_the_digest_of_all_pieces(tmp_path: Path) -> None:
    assert read_back(tmp_path / "file", PIECES) == hashlib.sha256(b"".join(PIECES)).hexdigest()
    assert read_back(tmp_path / "empty", []) == hashlib.sha256().hexdigest()


def test_what_is_in_the_file_counts_and_not_what_was_written(tmp_path: Path) -> None:
    with (tmp_path / "file").open("x+b", buffering=0) as file, ThreadPoolExecutor(1) as thread:
        reading = ReadingBack(file, thread)
        file.write(b"what a disk made of it")
        reading.written(5)
        file.truncate(8)
        reading.written(17)
        assert reading.hexdigest() == hashlib.sha256(b"what a d").hexdigest()


def test_an_error_names_the_file_that_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(OSError, match=f"Input/output error: '{re.escape(str(tmp_path / 'file'))}'"):
        read_back(tmp_path / "file", [b"a"])


def test_a_copy_tells_the_digest_of_every_file(package: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    digests = from_directory(package, write(package), copy, Progress(lambda _words: None))
    assert digests == {name: file_digest(copy / name) for name in digests}
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert set(digests) == files
    assert MANIFEST in digests


def test_a_file_that_was_read_otherwise_is_refused(package: Path) -> None:
    digest = write(package)
    with pytest.raises(DigestMismatch, match=r"golden/x\.json has changed"):
        verify(package, digest, {"golden/x.json": "0" * 64})
