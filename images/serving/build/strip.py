# ruff: noqa: INP001, T201 - a script of the image's build; it reports to the build's log
"""Takes symbol tables, which only a debugger reads, out of the native libraries of a folder: python3 strip.py FOLDER.

A stripped library is kept only if the loader sees the same bytes in it: some wheels' libraries were edited by patchelf,
and strip breaks the layout of some of these. NVIDIA's stay as they are: nobody has tried them stripped.
"""

import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LIBRARY = re.compile(r".+\.so(\.[0-9.]+)?")
_PT_LOAD = 1
_PADDING = 8
"""Bytes: the end of a segment is rounded up by patchelf and not by strip."""

_WORTHWHILE = 4096
"""Bytes: a library without a symbol table is not written anew."""


class Segment(NamedTuple):
    """What the loader puts at one address."""

    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int


def segments(elf: bytes) -> list[Segment]:
    """The loaded segments of a 64-bit little-endian ELF file."""
    return [Segment(*fields) for kind, *fields in _program_headers(elf) if kind == _PT_LOAD]


def same_when_loaded(original: bytes, stripped: bytes) -> bool:
    """Whether the loader maps the same bytes to the same addresses, the file's own headers aside."""
    before, after = segments(original), segments(stripped)
    return len(before) == len(after) and all(
        _placed_alike(old, new) and _content(original, old, new) == _content(stripped, new, new)
        for old, new in zip(before, after, strict=True)
    )


def _placed_alike(old: Segment, new: Segment) -> bool:
    return (
        (old.flags, old.address, old.align) == (new.flags, new.address, new.align)
        and new.offset % new.align == new.address % new.align
        and 0 <= old.file_size - new.file_size < _PADDING
        and 0 <= old.memory_size - new.memory_size < _PADDING
    )


def _content(elf: bytes, segment: Segment, size: Segment) -> bytes:
    """The segment's bytes; zeros in place of the ELF header and the program headers, which name places in the file."""
    table, entry, count = _header_table(elf)
    content = bytearray(elf[segment.offset : segment.offset + size.file_size])
    for start, end in ((0, 64), (table, table + entry * count)):
        first, last = max(start - segment.offset, 0), min(end - segment.offset, len(content))
        if first < last:
            content[first:last] = bytes(last - first)
    return bytes(content)


def _header_table(elf: bytes) -> tuple[int, int, int]:
    """Offset of the program headers, the size of one, their number."""
    (offset, size, count) = struct.unpack_from("<Q14xHH", elf, 32)
    return offset, size, count


def _program_headers(elf: bytes) -> Iterator[tuple[int, ...]]:
    table, entry, count = _header_table(elf)
    for number in range(count):
        kind, flags, offset, address, _, file_size, memory_size, align = struct.unpack_from(
            "<IIQQQQQQ", elf, table + number * entry
        )
        yield kind, flags, offset, address, file_size, memory_size, align


def strip(library: Path) -> int:
    """Strips one library if that is safe and worthwhile; returns the bytes saved."""
    partial = library.with_name(f"{library.name}.stripped")
    done = subprocess.run(
        ["strip", "--strip-unneeded", "-o", partial, library], check=False, capture_output=True, text=True
    )
    try:
        if done.returncode:
            print(f"{library.name} stays as it is: {done.stderr.strip()}")
            return 0
        saved = library.stat().st_size - partial.stat().st_size
        if saved < _WORTHWHILE or not same_when_loaded(library.read_bytes(), partial.read_bytes()):
            return 0
        library.write_bytes(partial.read_bytes())
        return saved
    finally:
        partial.unlink(missing_ok=True)


def main() -> int:
    """Exit status 0; an exception where strip itself fails."""
    folder = Path(sys.argv[1])
    libraries = [
        path
        for path in sorted(folder.rglob("*.so*"))
        if path.is_file() and not path.is_symlink() and LIBRARY.fullmatch(path.name) and "nvidia" not in path.parts
    ]
    saved = sum(strip(path) for path in libraries)
    print(f"symbol tables: {saved / 1e6:.1f} MB of {len(libraries)} libraries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
