from __future__ import annotations

import importlib.util
import struct
from typing import TYPE_CHECKING

from images.catalogue import ROOT

if TYPE_CHECKING:
    from types import ModuleType

PAGE = 0x1000
CODE = b"code" * 100


def load_script() -> ModuleType:
    path = ROOT / "images" / "serving" / "build" / "strip.py"
    spec = importlib.util.spec_from_file_location("build_strip", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


strip = load_script()


def library(content: bytes, *, offset: int = PAGE, address: int = PAGE, symbols: bytes = b"") -> bytes:
    """An ELF file of one segment; its section table, which strip moves, lies where `symbols` end."""
    end = offset + len(content) + len(symbols)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, end, 0, 64, 56, 1, 64, 0, 0
    )
    program = struct.pack("<IIQQQQQQ", 1, 5, offset, address, address, len(content), len(content), PAGE)
    return (header + program).ljust(offset, b"\0") + content + symbols


def test_a_library_that_lost_only_its_symbols_is_the_same_when_loaded() -> None:
    assert strip.same_when_loaded(library(CODE, symbols=b"symbols"), library(CODE))


def test_a_segment_at_another_place_in_the_file_is_the_same_when_loaded() -> None:
    assert strip.same_when_loaded(library(CODE, offset=3 * PAGE), library(CODE))


def test_a_changed_byte_is_seen() -> None:
    assert not strip.same_when_loaded(library(CODE), library(CODE.replace(b"code", b"Code", 1)))


def test_a_segment_at_another_address_is_seen() -> None:
    assert not strip.same_when_loaded(library(CODE), library(CODE, address=2 * PAGE))


def test_a_segment_that_the_loader_could_not_map_is_seen() -> None:
    assert not strip.same_when_loaded(library(CODE), library(CODE, offset=PAGE + 8))


def test_a_segment_that_lost_its_end_is_seen() -> None:
    assert not strip.same_when_loaded(library(CODE), library(CODE[:-8]))


def test_the_header_of_the_file_may_change_inside_a_segment() -> None:
    whole = library(CODE, offset=0, address=0, symbols=b"symbols")
    assert strip.same_when_loaded(whole, library(CODE, offset=0, address=0))
