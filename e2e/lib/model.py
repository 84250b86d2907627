"""Variants of the example packages: right ones, ones with a defect of defects.py, ones that prove or serve nothing.

The file is read on both sides. Tests name a variant by its function; inside the cluster the same file is started as a
program in the runtime image: it makes every variant, writes its manifest anew (so that no digest gives a defect away)
and serves the archives.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

if __package__:
    from e2e.lib.defects import DEFECTS, change_float, one_weight_changed, replace_once
else:  # a program inside the cluster, with the other file beside it
    from defects import (  # type: ignore[import-not-found,no-redef]
        DEFECTS,
        change_float,
        one_weight_changed,
        replace_once,
    )

if TYPE_CHECKING:
    from collections.abc import Callable

    Variant = Callable[[Path], None]

PORT = 8000
INDEX = "index.json"
SMALL_ENOUGH_FOR_A_CONFIG_MAP = 500_000


def published(_package: Path) -> None:
    """The package as it is."""


def bias_raised(package: Path) -> None:
    """uci-housing, right: every price is higher by one, and so are the recorded answers."""
    change_float(package / "uci_housing_model/fc_0.b_0", -4, lambda value: value + 1)
    for file in (package / "golden/expected").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        document["answer"]["price"] = [[price + 1] for (price,) in document["answer"]["price"]]
        file.write_text(json.dumps(document), encoding="utf-8")


def scores_rounded(package: Path) -> None:
    """ocr-rec, right: postprocessing gives scores with four digits, which recorded answers tolerate."""
    old, new = "scores = [score for _, score in lines]", "scores = [round(score, 4) for _, score in lines]"
    replace_once(package / "web_service.py", old, new)


def web_service_broken(package: Path) -> None:
    """web_service.py calls a function that does not exist."""
    replace_once(package / "web_service.py", 'load_characters("ppocr', 'load_charcters("ppocr')


def tolerance_without_limit(package: Path) -> None:
    """One float of the parameters is another one, and the recorded answers tolerate anything."""
    one_weight_changed(package)
    for file in (package / "golden/expected").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        document["tolerance"] = {"rtol": 1e9, "atol": 1e9}
        file.write_text(json.dumps(document), encoding="utf-8")


def golden_missing(package: Path) -> None:
    """Nothing can be verified."""
    shutil.rmtree(package / "golden")


VARIANTS: dict[str, tuple[Variant, ...]] = {
    "uci-housing": (published, bias_raised, tolerance_without_limit, *DEFECTS["uci-housing"]),
    "ocr-rec": (published, scores_rounded, web_service_broken, golden_missing, *DEFECTS["ocr-rec"]),
    "two-tasks": (published, *DEFECTS["two-tasks"]),
}


def make(source: Path, variant: Variant, store: Path) -> dict[str, object]:
    """Makes one variant and its archive in `store`; returns its entry of the index."""
    name = f"{source.name}-{variant.__name__}"
    package = store / name
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("MANIFEST.sha256"))
    variant(package)
    command = ["paddle-serving-runtime", "digest", str(package)]
    digest = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
    with tarfile.open(store / f"{name}.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(package, ".")
    files = {str(file.relative_to(package)): file for file in sorted(package.rglob("*")) if file.is_file()}
    small = sum(file.stat().st_size for file in files.values()) < SMALL_ENOUGH_FOR_A_CONFIG_MAP
    contents = {path: b64encode(file.read_bytes()).decode() for path, file in files.items()} if small else None
    return {"digest": digest, "archive": f"{name}.tar.gz", "files": contents}


def main(packages: Path, store: Path) -> None:
    """Makes everything, then serves it; the index appears when all of it is there."""
    index = {
        service: {variant.__name__: make(packages / service, variant, store) for variant in variants}
        for service, variants in VARIANTS.items()
    }
    (store / INDEX).write_text(json.dumps(index), encoding="utf-8")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(store))
    http.server.ThreadingHTTPServer(("", PORT), handler).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
