"""The bytes of a tar file on their way to tarfile, which reads headers as long as they say they are."""

import io
from typing import IO

from typing_extensions import override

_HEADER_BYTES = 1 << 20  # the names and attributes in front of one member


class HeaderTooLargeError(Exception):
    """What stands in front of a member is longer than any name; the text is the limit in bytes."""


class TarStream(io.RawIOBase):
    """Hands on the bytes of a tar. Those of headers are limited, those of a file are not.

    A name of an extended header can be as long as the archive likes, and there can be as many of them; tarfile keeps
    them all in memory. Reading more than the limit between two files raises HeaderTooLargeError.
    """

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source
        self._left: int | None = _HEADER_BYTES

    def expect_header(self) -> None:
        """From here on come headers."""
        self._left = _HEADER_BYTES

    def expect_content(self) -> None:
        """From here on comes the content of a file."""
        self._left = None

    @override
    def read(self, size: int = -1) -> bytes:
        if self._left is not None:
            if size < 0 or size > self._left:
                raise HeaderTooLargeError(_HEADER_BYTES)
            self._left -= size
        return self._source.read(size)

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._source.tell()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True
