import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

MADE = shutil.ignore_patterns("__pycache__", "output", "*_server", "*_client")
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
MODELS = sorted(path.name for path in CONFIGS.iterdir())


@pytest.fixture
def tool(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "test_tipc/tools")
    spec = importlib.util.spec_from_file_location("record_docs", root / "test_tipc/tools/record_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_text_between_markers_is_replaced_and_nothing_else(tool: ModuleType) -> None:
    document = "a\n<!-- recorded: x -->\nold\n<!-- end -->\nb\n<!-- recorded: y -->\n<!-- end -->\n"
    once = tool.filled(document, "x", r"new \1")
    assert once == "a\n<!-- recorded: x -->\n\nnew \\1\n\n<!-- end -->\nb\n<!-- recorded: y -->\n<!-- end -->\n"
    assert tool.filled(once, "x", r"new \1") == once


def test_a_marker_that_is_not_there_is_an_error(tool: ModuleType) -> None:
    with pytest.raises(KeyError):
        tool.filled("nothing", "x", "new")


def test_colours_are_left_out_of_a_block(tool: ModuleType) -> None:
    assert tool.block("\033[33m Run successfully  \033[0m\n") == "```text\nRun successfully\n```"


@pytest.mark.parametrize(
    ("printed", "is_same"),
    [
        ("prob [0.99903530]", True),
        ("prob [0.9890353]", False),
        ("prob [0.99903536], [1.0]", False),
        ("class [0.99903536]", False),
    ],
)
def test_last_digits_may_differ_and_nothing_else(tool: ModuleType, printed: str, *, is_same: bool) -> None:
    assert tool.same("prob [0.99903536]", printed) is is_same


@pytest.mark.parametrize("model", MODELS)
def test_the_recorded_log_is_what_a_run_prints(root: Path, tmp_path: Path, model: str) -> None:
    for folder in ("test_tipc", "examples"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=MADE)
    done = subprocess.run(
        [sys.executable, "test_tipc/tools/record_docs.py", "--check", model],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_both_documents_show_every_model(tool: ModuleType, root: Path) -> None:
    for name in tool.DOCUMENTS:
        document = (root / "test_tipc/docs" / name).read_text(encoding="utf-8")
        assert [model for model in MODELS if f"](logs/{model}.md)" not in document] == []
