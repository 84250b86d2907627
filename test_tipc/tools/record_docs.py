"""Writes what real runs print into docs/: a log for each model, and the table of both test_serving documents.

python test_tipc/tools/record_docs.py [--check] [MODEL ...], from the root. Nothing changes unless every run succeeded.
"""

import argparse
import difflib
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from runs import ROOT, Run, configuration, models, run, text

DOCS = ROOT / "test_tipc/docs"
DOCUMENTS = ("test_serving.md", "test_serving_en.md")
SHOWN = "AlexNet"
"""Whose log the documents themselves show: the specification's example."""

ANSWER = re.compile(r"^(?:\{.*\}|[A-Za-z_]+: .*, .*)$", re.MULTILINE)
"""A line of the author's inference that is an answer, and no warning of a library."""

COLOURS = re.compile(r"\x1b\[\d+m")
COLUMNS = ("device", "backend", "batch_size", "tensorrt", "onednn", "threads", "precision", "consistent")
HEADINGS = (
    *("model", "device", "backend", "batchsize", "tensorrt", "mkldnn", "cpu threads", "precision"),
    *("equals Paddle Inference", "author's inference", "log"),
)
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
LATENCY = re.compile(r"(?<= )[\d.e+-]+ (?=\| yes)")


def filled(document: str, name: str, recorded: str) -> str:
    """The document with the text between its markers replaced. Raises KeyError for a marker that is not there. Pure."""
    pattern = re.compile(rf"(<!-- recorded: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    document, count = pattern.subn(lambda found: f"{found[1]}\n{recorded.strip()}\n\n{found[2]}", document)
    if count != 1:
        raise KeyError(name)
    return document


def block(text: str) -> str:
    """Terminal output as a block of Markdown: no colours, no blanks at line ends, paths from the repository's root."""
    lines = [line.rstrip() for line in COLOURS.sub("", text).replace(f"{ROOT}/", "").strip("\n").splitlines()]
    return "\n".join(["```text", *[line.removeprefix(" ") for line in lines], "```"])


def log_of(done: Run) -> str:
    """The page of one model. Pure but for the name of its configuration."""
    config = configuration(done.model)
    parts = [
        f"# {done.model}: 运行日志 (log of a real run)",
        f"    bash test_tipc/prepare.sh {config}\n    bash test_tipc/test_serving.sh {config}",
        f"`test_tipc/output/results_serving.log`:\n\n{block(done.statuses)}",
        *(f"`test_tipc/output/{name}`:\n\n{block(text)}" for name, text in done.clients.items()),
    ]
    if answers := "\n".join(ANSWER.findall(done.author)):
        parts.append(f"The author's own inference printed:\n\n{block(answers)}")
    parts.append(f"`test_tipc/output/report_{done.model}.md`:\n\n{done.table.strip()}")
    return "\n\n".join(parts) + "\n"


def table_of(runs: Sequence[Run]) -> str:
    """One row for each combination of every model. Pure."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    for done in runs:
        for row in done.rows:
            author = row["author"].partition(":")[0]
            cells = [done.model, *(str(row[name]) for name in COLUMNS), author, f"[log](logs/{done.model}.md)"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown_in_documents(runs: Sequence[Run]) -> dict[str, str]:
    """The text for every marker of the documents."""
    (example,) = [done for done in runs if done.model == SHOWN]
    client = next(iter(example.clients.values()))
    return {"table": table_of(runs), "status": block(example.statuses), "client": block(client)}


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; latencies aside, and floats as numbers, whose last digits may differ."""
    one, other = (LATENCY.sub("", text) for text in (shown, printed))
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-3, abs_tol=1e-6) for a, b in pairs)


def main() -> None:
    """Runs and writes, the documents last; or compares."""
    parser = argparse.ArgumentParser(description="Records the logs in test_tipc/docs from real runs.")
    parser.add_argument("models", nargs="*", help="their logs only; none: all, and the documents")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page shows something else")
    options = parser.parse_args()
    runs = [run(model) for model in options.models or models()]
    if failed := [done.model for done in runs if done.status]:
        sys.exit(f"{DOCS} is unchanged, because these runs failed: {', '.join(failed)}")
    pages = {DOCS / "logs" / f"{done.model}.md": log_of(done) for done in runs}
    if not options.models:
        for path in (DOCS / name for name in DOCUMENTS):
            document = path.read_text(encoding="utf-8")
            for marker, content in shown_in_documents(runs).items():
                document = filled(document, marker, content)
            pages[path] = document
    if options.check:
        check(pages)
    else:
        for path, page in pages.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(page, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written", file=sys.stderr)


def check(pages: Mapping[Path, str]) -> None:
    """Ends the program with the differences, where there are any."""
    stale = [path for path, page in pages.items() if not same(text(path), page)]
    for path in stale:
        lines = difflib.unified_diff(
            text(path).splitlines(), pages[path].splitlines(), str(path), "printed", lineterm=""
        )
        print("\n".join(lines), file=sys.stderr)
    if stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"{names}: not what was printed. Look at the difference; if it is meant: make tipc-docs")


if __name__ == "__main__":
    main()
