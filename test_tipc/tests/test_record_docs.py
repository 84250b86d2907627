import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_docs", root / "test_tipc/tools/record_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_text_between_markers_is_replaced_and_nothing_else(tool: ModuleType) -> None:
    document = "a\n<!-- recorded: x -->\nold\n<!-- end -->\nb\n<!-- recorded: y -->\n<!-- end -->\n"
    once = tool.filled(document, {"x": r"new \1"})
    assert once == "a\n<!-- recorded: x -->\n\nnew \\1\n\n<!-- end -->\nb\n<!-- recorded: y -->\n<!-- end -->\n"
    assert tool.filled(once, {"x": r"new \1"}) == once


def test_a_marker_that_is_not_there_is_an_error(tool: ModuleType) -> None:
    with pytest.raises(KeyError):
        tool.filled("nothing", {"x": "new"})


def test_the_document_has_every_marker_that_is_recorded(tool: ModuleType, root: Path) -> None:
    document = (root / "test_tipc/docs/test_serving.md").read_text()
    tool.filled(document, dict.fromkeys(("table", "status", "client", "kubernetes"), "new"))


def test_colours_are_left_out_of_a_block(tool: ModuleType) -> None:
    assert tool.block("\033[33m Run successfully  \033[0m\n") == "```text\nRun successfully\n```"
