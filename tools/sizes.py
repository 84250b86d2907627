"""Names every module and every function of the tracked Python files that is longer than the rules allow."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 300
FUNCTION_LINES = 40


def tracked(root: Path) -> list[str]:
    """The Python files that git knows, below `root`; one that is deleted but not yet committed is not among them."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.py"], check=True, capture_output=True, text=True, cwd=root)
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def too_long(name: str, source: str) -> Iterator[str]:
    """A line for the module and for each of its functions that is past its limit."""
    if (lines := len(source.splitlines())) > MODULE_LINES:
        yield f"{name}:1: the module has {lines} lines, the limit is {MODULE_LINES}"
    for node in ast.walk(ast.parse(source, name)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # from `def` on: the cases of a test in its decorator are a table, which is as long as there are cases
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{name}:{node.lineno}: {node.name} has {lines} lines, the limit is {FUNCTION_LINES}"


def main() -> int:
    """The exit status: 1 when something is too long, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="the folder of another repository")
    root = parser.parse_args().root
    found = [line for name in tracked(root) for line in too_long(name, (root / name).read_text(encoding="utf-8"))]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
