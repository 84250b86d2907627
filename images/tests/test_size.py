from __future__ import annotations

import pytest

from images.size import HIDDEN, kind_of, part_of, sizes, table

PACKAGES = "opt/venv/lib/python3.11/site-packages"
MB = 1_000_000


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (f"{PACKAGES}/paddle/base/libpaddle.so", "Paddle: libpaddle"),
        (f"{PACKAGES}/paddle/libs/libdnnl.so.3", "Paddle: libdnnl"),
        (f"{PACKAGES}/paddle/libs/libiomp5.so", "Paddle: other libraries"),
        (f"{PACKAGES}/paddle/nn/layer/conv.py", "Paddle: Python"),
        (f"{PACKAGES}/paddlepaddle-3.3.1.dist-info/RECORD", "Paddle: Python"),
        (f"{PACKAGES}/numpy.libs/libgfortran-0352e75f.so.5.0.0", "wheel numpy"),
        (f"{PACKAGES}/numpy-2.4.6.dist-info/RECORD", "wheel numpy"),
        (f"{PACKAGES}/PIL/Image.py", "wheel pillow"),
        ("opt/runtime/paddle_serving_runtime/logs.py", "the runtime itself"),
        ("usr/lib/python3.11/json/__init__.py", "Python (Debian)"),
        ("usr/sbin/haproxy", "HAProxy (Debian)"),
        ("etc/passwd", "the rest of Debian"),
    ],
)
def test_a_file_belongs_to_the_part_that_brought_it(path: str, part: str) -> None:
    assert part_of(path) == part


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{PACKAGES}/paddle/libs/libdnnl.so.3", "native code"),
        ("usr/bin/bash", "native code"),
        ("usr/lib/python3.11/json/__init__.py", "Python"),
        ("usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc", "bytecode"),
        ("etc/sbin.conf", "other"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_name(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_small_wheels_are_one_row_and_the_largest_part_comes_first() -> None:
    parts = sizes(
        [
            (f"{PACKAGES}/six.py", 1),
            (f"{PACKAGES}/flask/app.py", 2 * MB - 1),
            (f"{PACKAGES}/numpy/lib.so", 3 * MB),
            ("etc/passwd", 5 * MB),
        ]
    )
    assert [(part, kinds.total()) for part, kinds in parts.items()] == [
        ("the rest of Debian", 5 * MB),
        ("wheel numpy", 3 * MB),
        ("2 smaller wheels", 2 * MB),
    ]


def test_the_table_adds_up_to_what_docker_counts() -> None:
    rows = table(sizes([("etc/passwd", 2 * MB), ("usr/bin/bash", MB)]), 4 * MB).splitlines()
    assert rows[2] == "| the rest of Debian | 3.0 | 1.0 |  |  | 2.0 |"
    assert rows[3].startswith(f"| {HIDDEN} | 1.0 |")
    assert rows[4].startswith("| **image** | **4.0** |")
