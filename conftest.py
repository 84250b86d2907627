"""The order of the files of tests where several processes share them (`make test`): each takes the next one.

xdist's own order, most tests first, would scatter the files of a folder, which share services that are started for
them, and would leave the longest of all to the end, when the other processes have nothing left to do.
"""

import pytest

FIRST = "test_tipc/tests/test_record_docs.py"
"""Takes minutes; so do those of images/serving/tests/process, which are collected first anyway."""

LAST = "operator/tests/integration/"
"""Their API server, one for each process, takes its part of a core until all tests are over."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, those of the same folder side by side."""
    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


def place(file: str) -> int:
    """Before (-1), among (0) or behind (1) the others."""
    return file.startswith(LAST) - (file == FIRST)
