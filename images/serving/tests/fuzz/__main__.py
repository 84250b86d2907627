"""What `make fuzz` runs: every parser, or those named, for so many seconds each, with atheris.

With --repeat FILE one parser reads one file, which needs no atheris: how to look at what was found.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from images.serving.tests.fuzz.parsers import PARSERS

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "build" / "fuzz"


def main() -> int:
    """The exit status: 1 where a parser did something else than to read or to refuse."""
    arguments = _arguments()
    if arguments.repeat:
        (name,) = arguments.names
        print("read" if PARSERS[name].accepts(arguments.repeat.read_bytes()) else "refused")
        return 0
    names = arguments.names or list(PARSERS)
    print(
        f"{len(names)} parsers, {arguments.seconds} s each, logs and findings in {FOLDER.relative_to(ROOT)}", flush=True
    )
    found = {name: path for name in names if (path := _fuzz(name, arguments.seconds))}
    for name, path in found.items():
        file = path.relative_to(ROOT)
        print(f"FOUND {file}; to see it again: python -m images.serving.tests.fuzz {name} --repeat {file}")
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m images.serving.tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PARSER", help=", ".join(PARSERS))
    parser.add_argument("--seconds", type=int, default=60, help="for each parser")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="have one parser read this file")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(PARSERS):
        parser.error(f"there is no parser {min(unknown)}; there are {', '.join(PARSERS)}")
    if arguments.repeat and len(arguments.names) != 1:
        parser.error("--repeat is for one parser: name it")
    return arguments


def _fuzz(name: str, seconds: int) -> Path | None:
    """Fuzzes one parser and prints what came of it; the file with what was found, which is where the fuzzer stops."""
    folder, started = FOLDER / name, time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "images.serving.tests.fuzz.one", name, str(seconds), str(folder)]
    with (folder / "log").open("wb") as log:
        status = subprocess.run(command, check=False, stderr=log, cwd=ROOT).returncode
    text = (folder / "log").read_text(errors="replace")
    found = re.search(r"Test unit written to (.*)", text)
    executions = re.search(r"stat::number_of_executed_units: *(\d+)", text)
    coverage = re.findall(r"cov: \d+ ft: \d+", text)
    if not executions or not coverage or (status and not found):
        raise SystemExit(f"{name}: the fuzzer itself failed with status {status}:\n{text[-2000:]}")
    print(f"{name}: {time.monotonic() - started:.0f} s, {executions[1]} executions, {coverage[-1]}", flush=True)
    return Path(found[1]) if found else None


if __name__ == "__main__":
    sys.exit(main())
