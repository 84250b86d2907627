"""The report of a run, in every form: for people, for programs, and for CI systems."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tipc.junit import junit
from tipc.naming import file_name
from tipc.results import Row, markdown


def write_report(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """report_<name>.md, .json and .xml in `folder`, each complete or not there."""
    stem = folder / f"report_{file_name(name)}"
    _replace(Path(f"{stem}.md"), markdown(rows))
    _replace(Path(f"{stem}.json"), json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    _replace(Path(f"{stem}.xml"), junit(name, rows))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
