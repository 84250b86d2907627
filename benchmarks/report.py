"""Tables and plots of docs/measurements.md and of the README from the raw data; with --check only compares.

The parts between `<!-- generated: NAME -->` and `<!-- end -->` are written anew, everything else is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import (
    allocator_table,
    apply_table,
    backends_table,
    batching_table,
    comparison,
    goals,
    model_cache_table,
    operator_scale_table,
    path_table,
    plots,
    reaction_table,
    recheck_table,
    rollout_table,
    tables,
    warmup_table,
)
from benchmarks.peers import table as peers_table

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "measurements.md"
DATA = ROOT / "docs" / "measurements"
SECTIONS = {
    **tables.SECTIONS,
    "backends": backends_table.table,
    "batching": batching_table.table,
    "compare": comparison.table,
    "compare-strictness": comparison.table,
    "recheck": recheck_table.table,
    "rollout": rollout_table.table,
    "reaction": reaction_table.table,
    "apply": apply_table.table,
    "allocators": allocator_table.table,
    "allocator-memory": allocator_table.memory,
    "peers": peers_table.table,
    "operator-scale": operator_scale_table.table,
    "path": path_table.table,
    "warmup": warmup_table.table,
    "model-cache": model_cache_table.table,
}
NAMES = (*SECTIONS, "image-size")
NOT_YET = "Not measured yet."
PEERS = """\
## Beside what you would pick instead

PP-OCR's classifier, the same input and cores for all, in one run (`make bench-peers`;
[how, and all figures](docs/measurements.md#servers-and-engines-that-a-user-would-pick-instead)):

![peers](docs/measurements/peers.svg)"""
_SECTION = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def sections(raws: Mapping[str, Any]) -> dict[str, str]:
    """The text of every generated part by its name."""
    made = {"goals": goals.table(raws)}
    for name, table in SECTIONS.items():
        raw = raws.get(name)
        if raw is None:
            made[name] = NOT_YET
            continue
        parts = [tables.machine(raw), f"[Raw data](measurements/{name}.json).", table(raw)]
        pictures = [plot for plot, (source, _) in plots.PLOTS.items() if source == name]
        parts += [f"![{plot}](measurements/{plot}.svg)" for plot in pictures]
        made[name] = " ".join(parts[:2]) + "\n\n" + "\n\n".join(parts[2:])
    return made


def readme(raws: Mapping[str, Any]) -> dict[str, str]:
    """The same for the README: one plot, nothing before it was measured."""
    return {"peers": PEERS if "peers" in raws else ""}


def render(page: str, made: Mapping[str, str]) -> str:
    """The page with its generated parts replaced. Raises ValueError for a part that has no text, or the reverse."""
    found = [match[2] for match in _SECTION.finditer(page)]
    if sorted(found) != sorted(made):
        raise ValueError(f"the page has the generated parts {sorted(found)}, there are texts for {sorted(made)}")
    return _SECTION.sub(lambda match: f"{match[1]}\n{made[match[2]]}\n\n{match[3]}", page)


def fingerprint(content: bytes, plot: str) -> str:
    """What stands in a plot about its data: the digest of the raw file."""
    return f"{plot} of raw data sha256:{hashlib.sha256(content).hexdigest()}"


def stale_plots(contents: Mapping[str, bytes]) -> list[str]:
    """The plots that are missing or were drawn from other data."""
    stale = []
    for plot, (source, _) in plots.PLOTS.items():
        file = DATA / f"{plot}.svg"
        if source in contents and (
            not file.exists() or fingerprint(contents[source], plot) not in file.read_text(encoding="utf-8")
        ):
            stale.append(plot)
    return stale


def main() -> int:
    """The exit status: 1 when --check finds something stale, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    contents = {name: (DATA / f"{name}.json").read_bytes() for name in NAMES if (DATA / f"{name}.json").exists()}
    raws = {name: json.loads(content) for name, content in contents.items()}
    pages = {PAGE: sections(raws), README: readme(raws)}
    new = {page: render(page.read_text(encoding="utf-8"), made) for page, made in pages.items()}
    stale = stale_plots(contents)
    if check:
        names = [
            *(str(page.relative_to(ROOT)) for page, text in new.items() if text != page.read_text(encoding="utf-8")),
            *(f"docs/measurements/{plot}.svg" for plot in stale),
        ]
        if names:
            sys.stderr.write(f"{', '.join(names)}: stale. Run `make bench-report` and commit the result.\n")
        return 1 if names else 0
    for page, text in new.items():
        page.write_text(text, encoding="utf-8")
    for plot in stale:
        source, draw = plots.PLOTS[plot]
        text = plots.svg(draw, raws[source], fingerprint(contents[source], plot))
        (DATA / f"{plot}.svg").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
