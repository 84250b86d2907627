from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from images.catalogue import ROOT

if TYPE_CHECKING:
    from types import ModuleType

PAGE = 0x1000
CODE = b"code" * 100
TABLE = b"table" * 100
NAMES = b"\0.code\0.table\0.symtab\0.shstrtab\0"
LOADED, SYMBOLS, STRINGS = 2, 2, 3
HOLE = 64 * PAGE


def load_script() -> ModuleType:
    path = ROOT / "images" / "serving" / "build" / "strip.py"
    spec = importlib.util.spec_from_file_location("build_strip", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


strip = load_script()


def file_header(*, table: int, programs: int, sections: int = 0, names: int = 0) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, table, 0, 64, 56, programs, 64, sections, names
    )


def library(content: bytes, *, offset: int = PAGE, address: int = PAGE, symbols: bytes = b"") -> bytes:
    """An ELF file of one segment; its section table, which strip moves, lies where `symbols` end."""
    end = offset + len(content) + len(symbols)
    program = struct.pack("<IIQQQQQQ", 1, 5, offset, address, address, len(content), len(content), PAGE)
    return (file_header(table=end, programs=1) + program).ljust(offset, b"\0") + content + symbols


def edited_library(*, gap: bytes = bytes(HOLE), symbols: bytes = b"symbols" * PAGE) -> bytes:
    """As patchelf leaves one: a gap in the first segment, and a segment for a new table behind the symbol table."""
    code = PAGE + len(gap)
    first = (b"".ljust(PAGE, b"\0") + gap + CODE).ljust(code + PAGE, b"\0")
    second = -(-(len(first) + len(symbols)) // PAGE) * PAGE
    address = len(first) + 7 * PAGE
    names = second + len(TABLE)
    programs = [
        struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, len(first), len(first), PAGE),
        struct.pack("<IIQQQQQQ", 1, 6, second, address, address, len(TABLE), len(TABLE) + PAGE, PAGE),
        struct.pack("<IIQQQQQQ", 2, 6, second + 5, address + 5, address + 5, 10, 10, 8),
    ]
    sections = [
        struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", NAMES.index(b".code"), 1, LOADED, code, code, len(CODE), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", NAMES.index(b".symtab"), SYMBOLS, 0, 0, len(first), len(symbols), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", NAMES.index(b".table"), 1, LOADED, address, second, len(TABLE), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", NAMES.index(b".shstrtab"), STRINGS, 0, 0, names, len(NAMES), 0, 0, 1, 0),
    ]
    header = file_header(table=names + len(NAMES), programs=len(programs), sections=len(sections), names=4)
    start = header + b"".join(programs)
    return b"".join(
        [start, first[len(start) :], symbols.ljust(second - len(first), b"\0"), TABLE, NAMES, *sections],
    )


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


def test_a_hole_that_had_other_bytes_than_zeros_is_seen() -> None:
    holed = strip.shortened(edited_library())
    assert not strip.same_when_loaded(edited_library(gap=bytes(HOLE - 1) + b"x"), holed)


def test_symbols_between_segments_and_holes_in_them_are_left_out_and_nothing_else() -> None:
    original = edited_library()
    shorter = strip.shortened(original)
    assert strip.same_when_loaded(original, shorter)
    assert len(shorter) < len(original) - HOLE - 6 * PAGE
    assert b"symbols" not in shorter
    (dynamic,) = [header for header in strip.programs(shorter) if header.kind == 2]
    assert shorter[dynamic.offset :].startswith(TABLE[5:15])


def test_what_is_left_keeps_its_number_and_name_for_debuggers() -> None:
    shorter = strip.shortened(edited_library())
    _, code, symbols, table, names = strip.sections(shorter)
    assert shorter[code.offset :].startswith(CODE)
    assert shorter[table.offset :].startswith(TABLE)
    assert symbols == strip.sections(shorter)[0]
    text = shorter[names.offset :]
    assert text[code.name :].startswith(b".code\0")
    assert text[table.name :].startswith(b".table\0")


def test_bytes_in_a_segment_stay_although_no_section_has_them() -> None:
    original = edited_library(gap=b"x" * HOLE)
    shorter = strip.shortened(original)
    assert strip.same_when_loaded(original, shorter)
    assert b"x" * HOLE in shorter


def test_a_library_of_another_layout_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "liblate.so"
    original = library(CODE, symbols=b"symbols" * PAGE)
    path.write_bytes(original)
    assert strip.strip(path) == 0
    assert path.read_bytes() == original
    assert "liblate.so stays as it is" in capsys.readouterr().out


def test_a_stripped_library_loads_and_works(tmp_path: Path) -> None:
    shutil.copytree(Path(yaml.__file__).parent, tmp_path / "yaml", ignore=shutil.ignore_patterns("__pycache__"))
    (path,) = (tmp_path / "yaml").glob("_yaml*.so")
    before = path.stat().st_size
    saved = strip.strip(path)
    assert saved > before // 2
    assert path.stat().st_size == before - saved
    program = "import yaml; print(yaml.__file__, yaml.load('a: [1, 2]', yaml.CSafeLoader), sep='|')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path}/yaml/__init__.py|{{'a': [1, 2]}}\n"
