"""The sha256 of a file while it is written: to read a large package after its copy would take as long once more."""

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

_PIECE = 1 << 20


class ReadingBack:
    """Reads what is in a file, in the order in which it is written, in a thread that belongs to the caller.

    What is hashed is what the file system gives back, not what was meant to be written.
    """

    def __init__(self, file: IO[bytes], thread: ThreadPoolExecutor) -> None:
        """`file` is empty, open for reading too, and stays open until `hexdigest`; `thread` has one worker."""
        self._descriptor, self._name = file.fileno(), file.name
        self._thread = thread
        self._hash = hashlib.sha256()
        self._written = 0
        self._read: list[Future[None]] = []

    def written(self, size: int) -> None:
        """So many bytes more are in the file."""
        self._read.append(self._thread.submit(self._take, self._written, size))
        self._written += size

    def hexdigest(self) -> str:
        """64 hex digits, when all of it is read. Raises OSError where it cannot be read."""
        for piece in self._read:
            piece.result()
        return self._hash.hexdigest()

    def _take(self, at: int, size: int) -> None:
        end = at + size
        while at < end:
            try:
                piece = os.pread(self._descriptor, min(_PIECE, end - at), at)
            except OSError as error:  # which says nothing of the file, and what is copied is another one
                raise OSError(error.errno, error.strerror, self._name) from error
            if not piece:  # somebody has cut it meanwhile; its digest tells
                return
            self._hash.update(piece)
            at += len(piece)
