"""Refreshes the recorded outputs in docs/test_serving.md from real runs.

python test_tipc/tools/record_docs.py [--without-cluster], from the root. The document changes only if every
run succeeded.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "test_tipc/docs/test_serving.md"
OUTPUT = ROOT / "test_tipc/output"
CONFIG = "test_tipc/configs/{}/model_linux_gpu_normal_normal_serving_python_linux_gpu_cpu.txt"
MODELS = ("AlexNet", "ocr-rec")
CLIENT_LOG = "server_infer_cpu_pipeline_http_usemkldnn_False_threads_1_batchsize_1.log"
COLOURS = re.compile(r"\x1b\[\d+m")


def filled(document: str, recorded: Mapping[str, str]) -> str:
    """The document with the text between its markers replaced. Raises KeyError for a marker that is not there. Pure."""
    for name, text in recorded.items():
        pattern = re.compile(rf"(<!-- recorded: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        document, count = pattern.subn(lambda found, text=text: f"{found[1]}\n{text.strip()}\n\n{found[2]}", document)  # type: ignore[misc]
        if count != 1:
            raise KeyError(name)
    return document


def block(text: str) -> str:
    """Terminal output as a block of Markdown: no colours, no blanks at line ends, paths from the repository's root."""
    lines = [line.rstrip() for line in COLOURS.sub("", text).replace(f"{ROOT}/", "").strip("\n").splitlines()]
    return "\n".join(["```text", *[line.removeprefix(" ") for line in lines], "```"])


def run(script: str, model: str, *arguments: str) -> None:
    """One script for one model, output to the terminal. Ends the program where it fails."""
    started = time.monotonic()
    command = ["bash", f"test_tipc/{script}", CONFIG.format(model), *arguments]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"{' '.join(command)}: status {status}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if status:
        sys.exit(f"{DOCUMENT} is unchanged, because this run failed: {' '.join(command)}")


def report(model: str) -> list[str]:
    """Lines of a run's table: two of heading, then the rows."""
    return (OUTPUT / f"report_{model}.md").read_text(encoding="utf-8").splitlines()


def status_log() -> str:
    """The status lines of the last run."""
    return (OUTPUT / "results_serving.log").read_text(encoding="utf-8")


def record(*, cluster: bool) -> dict[str, str]:
    """Runs everything; returns the text for every marker."""
    table: list[str] = []
    statuses = ""
    for model in MODELS:
        run("prepare.sh", model)
        run("test_serving.sh", model)
        rows = report(model)
        table += rows if not table else rows[2:]
        statuses += status_log()
    recorded = {"status": block(statuses), "client": block((OUTPUT / CLIENT_LOG).read_text(encoding="utf-8"))}
    if cluster:
        for model in MODELS:
            run("test_serving.sh", model, "--target", "kubernetes")
            table += report(model)[2:]
            recorded["kubernetes"] = block(status_log())
    return {**recorded, "table": "\n".join(table)}


def main() -> None:
    """Runs and writes, the document last."""
    parser = argparse.ArgumentParser(description="Refreshes the recorded outputs in docs/test_serving.md.")
    parser.add_argument("--without-cluster", action="store_true", help="local runs only")
    recorded = record(cluster=not parser.parse_args().without_cluster)
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8"), recorded), encoding="utf-8")
    print(f"{DOCUMENT}: {', '.join(recorded)}", file=sys.stderr)


if __name__ == "__main__":
    main()
