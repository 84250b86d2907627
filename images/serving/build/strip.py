# ruff: noqa: INP001, T201 - a script of the image's build; it reports to the build's log
"""Leaves out of the native libraries of a folder what the loader never maps: python3 strip.py FOLDER.

Symbol tables and debugging information go, and so do holes: zeros in the middle of a segment, which patchelf leaves
where a table was that it wrote anew elsewhere. The loader makes these zeros itself. binutils' strip knows no holes and
breaks the layout of some libraries that patchelf has edited.

A library is written anew only if the loader sees the same bytes in it. NVIDIA's stay as they are: nobody has tried them
stripped. Offsets, addresses and sizes are bytes; the format is that of elf(5), 64-bit and little-endian.
"""

import hashlib
import re
import struct
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

LIBRARY = re.compile(r".+\.so(\.[0-9.]+)?")
_MAGIC = b"\x7fELF\x02\x01"
_FILE_HEADER = 64
_PROGRAM, _SECTION = struct.Struct("<IIQQQQQQ"), struct.Struct("<IIQQQQIIQQ")
_LOAD, _NOBITS, _ALLOCATED = 1, 8, 2
_PAGE = 0x1000
_SMALLEST_HOLE = 16 * _PAGE
_WORTHWHILE = 4096
"""Bytes: a library that would lose less is not written anew."""


class UnknownLayoutError(Exception):
    """A library is laid out in a way that this script does not know."""


class Program(NamedTuple):
    """A program header: what the loader does with a part of the file. The fields of elf(5) in their order."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    align: int


class Section(NamedTuple):
    """A section header: what debuggers call a part of the file. The fields of elf(5) in their order."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int

    @property
    def loaded(self) -> bool:
        """Whether its bytes are in the file and in a segment."""
        return bool(self.flags & _ALLOCATED) and self.kind != _NOBITS and self.size > 0


class Move(NamedTuple):
    """A segment and where it begins in the new file."""

    segment: Program
    offset: int


def programs(elf: bytes) -> list[Program]:
    """The program headers, in their order."""
    (table,) = struct.unpack_from("<Q", elf, 32)
    (count,) = struct.unpack_from("<H", elf, 56)
    return [Program(*_PROGRAM.unpack_from(elf, table + number * _PROGRAM.size)) for number in range(count)]


def sections(elf: bytes) -> list[Section]:
    """The section headers, in their order; none where the file has no table of them."""
    (table,) = struct.unpack_from("<Q", elf, 40)
    (count,) = struct.unpack_from("<H", elf, 60)
    return [Section(*_SECTION.unpack_from(elf, table + number * _SECTION.size)) for number in range(count)]


def same_when_loaded(original: bytes, shorter: bytes) -> bool:
    """Whether the loader maps the same bytes to the same addresses, the file's own headers aside.

    A segment may be in parts that follow each other, and zeros of the file may be zeros that the loader makes.
    """
    return all(
        segment.offset % segment.align == segment.address % segment.align for segment in _segments(shorter)
    ) and _memory(original) == _memory(shorter)


def _segments(elf: bytes) -> list[Program]:
    return [header for header in programs(elf) if header.kind == _LOAD]


def _memory(elf: bytes) -> list[tuple[Program, str]]:
    """What is mapped, without its place in the file, and a digest of its bytes; segments in parts are one."""
    mapped: list[Program] = []
    digests: list[hashlib._Hash] = []
    for segment in _segments(elf):
        before = mapped[-1] if mapped else segment
        follows = before.address + before.memory_size == segment.address and segment.address % _PAGE == 0
        if follows and (before.flags, before.align) == (segment.flags, segment.align):
            mapped[-1] = before._replace(memory_size=before.memory_size + segment.memory_size)
        else:
            mapped.append(segment._replace(offset=0, file_size=0))
            digests.append(hashlib.sha256())
        digests[-1].update(_content(elf, segment))
    return [(segment, digest.hexdigest()) for segment, digest in zip(mapped, digests, strict=True)]


def _content(elf: bytes, segment: Program) -> bytearray:
    """The segment in memory; zeros in place of the file's header and program headers, which name places in the file."""
    content = bytearray(memoryview(elf)[segment.offset : segment.offset + segment.file_size])
    for start, end in ((0, _FILE_HEADER), _header_table(elf)):
        first, last = max(start - segment.offset, 0), min(end - segment.offset, segment.file_size)
        if first < last:
            content[first:last] = bytes(last - first)
    content.extend(bytes(segment.memory_size - segment.file_size))
    return content


def _header_table(elf: bytes) -> tuple[int, int]:
    """Where the program headers begin and end."""
    (table,) = struct.unpack_from("<Q", elf, 32)
    return table, table + _PROGRAM.size * len(programs(elf))


def shortened(elf: bytes) -> bytes:
    """The library with nothing but its segments, without their holes, and the section headers of what is in them.

    Raises UnknownLayoutError.
    """
    moves = _moves([part for segment in _segments(elf) for part in _parts(elf, segment)])
    headers = list(_moved_programs(elf, moves))
    content = bytearray()
    for segment, offset in moves:
        content.extend(bytes(offset - len(content)))
        content.extend(memoryview(elf)[segment.offset : segment.offset + segment.file_size])
    table, _ = _header_table(elf)
    packed = b"".join(_PROGRAM.pack(*header) for header in headers)
    content[table : table + len(packed)] = packed
    struct.pack_into("<H", content, 56, len(headers))
    if sections(elf):
        _append_sections(content, elf, moves)
    return bytes(content)


def _parts(elf: bytes, segment: Program) -> Iterator[Program]:
    """The segment without its holes: each part reaches in memory to where the next begins."""
    start, end = segment.offset, segment.offset + segment.file_size
    memory_end = segment.offset + segment.memory_size
    for hole_start, hole_end in [*_holes(elf, segment), (end, memory_end)]:
        address = segment.address + start - segment.offset
        yield segment._replace(
            offset=start,
            address=address,
            physical=address,
            file_size=hole_start - start,
            memory_size=hole_end - start,
        )
        start = hole_end


def _holes(elf: bytes, segment: Program) -> list[tuple[int, int]]:
    """Whole pages of zeros in the segment that belong to no section, as offsets; the first page is never one."""
    end = segment.offset + segment.file_size
    used = [(section.offset, section.offset + section.size) for section in sections(elf) if section.loaded]
    used = sorted(part for part in used if segment.offset <= part[0] < end)
    if not used or segment.align % _PAGE or segment.offset % _PAGE:
        return []
    holes, reached = [], segment.offset + _PAGE
    for start, finish in used:
        first, last = -(-reached // _PAGE) * _PAGE, start // _PAGE * _PAGE
        if last - first >= _SMALLEST_HOLE and elf.count(0, first, last) == last - first:
            holes.append((first, last))
        reached = max(reached, finish)
    return holes


def _moves(parts: list[Program]) -> list[Move]:
    """The parts one after the other, each at the next offset from which the loader can map it."""
    moves, position = [], 0
    for part in parts:
        offset = position + (part.address - position) % part.align
        moves.append(Move(part, offset))
        position = offset + part.file_size
    in_order = all(before.segment.address < after.segment.address for before, after in pairwise(moves))
    if not moves or (moves[0].segment.offset, moves[0].offset) != (0, 0) or not in_order:
        raise UnknownLayoutError("its segments are not in order from the beginning of the file")
    return moves


def _moved(moves: list[Move], offset: int, size: int) -> int:
    for segment, new in moves:
        if segment.offset <= offset and offset + size <= segment.offset + segment.file_size:
            return new + offset - segment.offset
    raise UnknownLayoutError(f"what lies at {offset} is in no segment")


def _moved_programs(elf: bytes, moves: list[Move]) -> Iterator[Program]:
    """The new program headers. They must fit where nothing else is."""
    added = len(moves) - len(_segments(elf))
    _, end = _header_table(elf)
    if added and end + added * _PROGRAM.size > min(section.offset for section in sections(elf) if section.loaded):
        raise UnknownLayoutError("no room for another program header")
    parts = iter(moves)
    for header in programs(elf):
        if header.kind == _LOAD:
            reached = header.address + header.memory_size
            for segment, offset in parts:
                yield segment._replace(offset=offset)
                if segment.address + segment.memory_size == reached:
                    break
        elif header.file_size:
            yield header._replace(offset=_moved(moves, header.offset, header.file_size))
        else:
            yield header


def _append_sections(content: bytearray, elf: bytes, moves: list[Move]) -> None:
    """Section headers under their old numbers; one of what is left out becomes an empty one."""
    (names,) = struct.unpack_from("<H", elf, 62)
    found = sections(elf)
    headers = []
    for number, section in enumerate(found):
        if section.loaded:
            headers.append(section._replace(offset=_moved(moves, section.offset, section.size)))
        elif number == names:
            headers.append(section._replace(offset=len(content)))
        elif section.flags & _ALLOCATED:
            headers.append(section)
        else:
            headers.append(Section(*(0,) * len(Section._fields)))
    content.extend(elf[found[names].offset : found[names].offset + found[names].size])
    content.extend(bytes(-len(content) % 8))
    struct.pack_into("<Q", content, 40, len(content))
    for header in headers:
        content.extend(_SECTION.pack(*header))


def strip(library: Path) -> int:
    """Strips one library if that is safe and worthwhile; returns the bytes saved."""
    elf = library.read_bytes()
    if not elf.startswith(_MAGIC):
        return 0
    try:
        shorter = shortened(elf)
    except (UnknownLayoutError, struct.error) as error:
        print(f"{library.name} stays as it is: {error}")
        return 0
    saved = len(elf) - len(shorter)
    if saved < _WORTHWHILE:
        return 0
    if not same_when_loaded(elf, shorter):
        print(f"{library.name} stays as it is: another layout would not load the same")
        return 0
    library.write_bytes(shorter)
    return saved


def main() -> int:
    """Exit status 0; an exception where a library cannot be read or written."""
    folder = Path(sys.argv[1])
    libraries = [
        path
        for path in sorted(folder.rglob("*.so*"))
        if path.is_file() and not path.is_symlink() and LIBRARY.fullmatch(path.name) and "nvidia" not in path.parts
    ]
    saved = sum(strip(path) for path in libraries)
    print(f"symbol tables and holes: {saved / 1e6:.1f} MB of {len(libraries)} libraries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
