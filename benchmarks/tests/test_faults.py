import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks import faults, recheck_table
from images.serving.tests.process_memory import find

HOLDER = """
import sys
import numpy
kept = numpy.fromfile(sys.argv[1], numpy.float32)
print("ready", flush=True)
sys.stdin.readline()
print(*kept.view(numpy.uint32), flush=True)
"""


def repeatable(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - no secret


def parameter_file(path: Path, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """A parameter file with tensors of random numbers, as Paddle writes it."""
    random, pieces, tensors = np.random.default_rng(3), list[bytes](), []
    for shape in shapes:
        descriptor = b"\x08\x05" + b"".join(bytes([0x10, size]) for size in shape)
        tensors.append(random.normal(size=shape).astype(np.float32))
        pieces += [bytes(16), len(descriptor).to_bytes(4, "little"), descriptor, tensors[-1].tobytes()]
    path.write_bytes(b"".join(pieces))
    return tensors


def test_the_weights_of_a_parameter_file_are_found_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "p"
    first, _, last = parameter_file(path, (4, 8), (5,), (2, 3, 100))
    (one, at), (other, _) = faults.stored(path)
    np.testing.assert_array_equal(one, first)
    np.testing.assert_array_equal(other, last)
    assert path.read_bytes()[at : at + 4] == first.tobytes()[:4]


def test_a_bit_in_a_file_is_turned_over_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "p"
    parameter_file(path, (4, 8))
    before = path.read_bytes()
    faults.change_weight(path, 30, repeatable(1))
    changed = [(one ^ other) for one, other in zip(before, path.read_bytes(), strict=True) if one != other]
    assert changed == [1 << 6]


def test_a_bit_of_a_weight_is_turned_over_in_another_process_and_back(tmp_path: Path) -> None:
    path, values = tmp_path / "p", tmp_path / "values"
    (tensor,) = parameter_file(path, (16, 8))
    # as oneDNN keeps it: 8 outputs side by side, too
    values.write_bytes(tensor.tobytes() + np.ascontiguousarray(tensor.T).tobytes())
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(values)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        undo = faults.flip_weight(process.pid, path, 30, repeatable(2))
        undo()
        faults.flip_weight(process.pid, path, 30, repeatable(5))
        held, _ = process.communicate("\n", timeout=60)
    before = np.fromfile(values, np.uint32)
    differences = before ^ np.array(held.split(), np.uint32)
    assert sorted(differences[differences != 0]) == [1 << 30, 1 << 30]


def test_what_is_nowhere_in_a_process_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "p"
    parameter_file(path, (16, 8))
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            assert find(process.pid, bytes(range(200, 232))) == []
            with pytest.raises(LookupError, match="none of"):
                faults.flip_weight(process.pid, path, 3, repeatable(1))
        finally:
            process.kill()


def test_two_lines_of_a_dictionary_change_places(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("a\nb\nc\nd\n")
    faults.swap_lines(words, repeatable(1), "c")
    lines = words.read_text().split("\n")
    assert sorted(lines) == ["", "a", "b", "c", "d"]
    assert lines != ["a", "b", "c", "d", ""]
    assert lines[2] != "c"


def test_a_table_says_what_was_found_of_what_changed_an_answer_and_what_it_costs() -> None:
    def row(seconds: float, *, changed: bool, found: bool) -> dict[str, object]:
        return {"kind": "sign", "detail": "bit 31", "changed": changed, "found": found, "seconds": seconds}

    rows = [
        row(2.0, changed=True, found=True),
        row(6.0, changed=True, found=True),
        row(20.0, changed=True, found=False),
        row(20.0, changed=False, found=False),
        {"interval": 0.0, "cpu_percent": 0.5, "rounds": 0},
        {"interval": 60.0, "cpu_percent": 0.75, "rounds": 10},
    ]
    text = recheck_table.table({"rows": rows})
    assert "| sign | 4 | 3 | 2 | 0 | 4.0 | 6.0 |" in text
    assert "| all | 4 | 3 | 2 | 0 | 4.0 | 6.0 |" in text
    assert "0.75 % with one every 60 s: 0.25 % more" in text
