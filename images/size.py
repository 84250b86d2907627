"""What is in an image, file by file, summed up: `python -m images size NAME`."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEGABYTE = 1_000_000
KINDS = ("native code", "Python", "bytecode", "other")
SMALL_WHEEL = 2 * MEGABYTE
HIDDEN = "replaced or removed by a later layer"
_SITE_PACKAGES = re.compile(r".*/site-packages/(?P<module>[^/]+)")
_PADDLE_LIBRARY = re.compile(r".*/site-packages/paddle/.*/(?P<name>lib[^/]+\.so[^/]*)$")
_NAMED_LIBRARIES = ("libpaddle", "libphi_core", "libmklml_intel", "libdnnl", "libopenvino")
_DISTRIBUTIONS = {"PIL": "pillow", "Crypto": "pycryptodome", "google": "protobuf", "grpc": "grpcio"}
"""Distributions whose modules have another name."""

_METADATA = re.compile(r"-[0-9][^-]*\.dist-info$")
_SYSTEM = (
    (re.compile(r"opt/runtime/"), "the runtime itself"),
    (re.compile(r"opt/cuda/"), "links to CUDA libraries"),
    (re.compile(r"usr/(lib/python3|bin/python3)"), "Python (Debian)"),
    (re.compile(r"usr/sbin/haproxy$"), "HAProxy (Debian)"),
)
_DEBIAN = "the rest of Debian"


class SizeError(Exception):
    """Docker cannot show the image; the message says what it said."""


def part_of(path: str) -> str:
    """Which part of the image a file belongs to, in words; `path` is relative to the image's root."""
    library = _PADDLE_LIBRARY.match(path)
    if library:
        named = [name for name in _NAMED_LIBRARIES if library["name"].startswith(name)]
        return f"Paddle: {named[0]}" if named else "Paddle: other libraries"
    wheel = _SITE_PACKAGES.match(path)
    if wheel:
        module = _METADATA.sub("", wheel["module"]).removesuffix(".libs")
        if module in ("paddle", "paddlepaddle", "paddlepaddle_gpu"):
            return "Paddle: Python"
        return f"wheel {_DISTRIBUTIONS.get(module, module)}"
    return next((part for pattern, part in _SYSTEM if pattern.match(path)), _DEBIAN)


def kind_of(path: str) -> str:
    """One of KINDS, by the name alone."""
    if path.endswith(".pyc"):
        return "bytecode"
    if path.endswith(".py"):
        return "Python"
    return "native code" if re.search(r"\.so(\.[0-9.]+)?$|(^|/)s?bin/[^/]+$", path) else "other"


def sizes(files: Iterable[tuple[str, int]]) -> dict[str, Counter[str]]:
    """Bytes by part and kind, the largest part first; wheels below SMALL_WHEEL are one part."""
    parts: dict[str, Counter[str]] = {}
    for path, size in files:
        parts.setdefault(part_of(path), Counter())[kind_of(path)] += size
    small = [part for part, kinds in parts.items() if part.startswith("wheel ") and kinds.total() < SMALL_WHEEL]
    if small:
        parts[f"{len(small)} smaller wheels"] = sum((parts.pop(part) for part in small), Counter())
    return dict(sorted(parts.items(), key=lambda item: -item[1].total()))


def table(parts: dict[str, Counter[str]], image_bytes: int) -> str:
    """A Markdown table in MB (10^6 bytes); its last row is what Docker counts, the sum of all layers."""
    present = sum(kinds.total() for kinds in parts.values())
    rows = [("what", "MB", *KINDS), ("---", *("---:",) * (1 + len(KINDS)))]
    rows += [
        (part, _megabytes(kinds.total()), *(_megabytes(kinds[kind]) for kind in KINDS)) for part, kinds in parts.items()
    ]
    rows += [(HIDDEN, _megabytes(max(image_bytes - present, 0)), *("",) * len(KINDS))]
    rows += [("**image**", f"**{_megabytes(image_bytes)}**", *("",) * len(KINDS))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}" if size else ""


def report(reference: str) -> str:
    """The table of an image that the Docker engine has. Raises SizeError."""
    image_bytes = int(_docker("image", "inspect", "--format", "{{.Size}}", reference))
    container = _docker("create", reference, "true").strip()
    try:
        return table(sizes(_content(container)), image_bytes)
    finally:
        _docker("rm", container)


def _content(container: str) -> Iterator[tuple[str, int]]:
    """(path, bytes) of every file; a hard link counts once."""
    with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
        with tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            yield from ((member.name, member.size) for member in archive if member.isreg())
        status = export.wait()
    if status:
        raise SizeError(f"docker export {container} ended with status {status}")


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SizeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
