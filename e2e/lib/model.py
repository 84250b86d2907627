"""Variants of the example packages: new versions that are right, and versions with one planted defect each.

The file is read on both sides. Tests name a variant by its function; inside the cluster the same file is started as a
program in the runtime image: it makes every variant, writes its manifest anew (so that no digest gives a defect away)
and serves the archives.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import struct
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Variant = Callable[[Path], None]

PORT = 8000
INDEX = "index.json"
SMALL_ENOUGH_FOR_A_CONFIG_MAP = 500_000
MORE_TO_COME = 0x80  # the highest bit of a byte of a varint
CTC_CLASSES = 6625  # characters of PP-OCRv4 with blank and space


def published(_package: Path) -> None:
    """The package as it is."""


def bias_raised(package: Path) -> None:
    """uci-housing, right: every price is higher by one, and so are the recorded answers."""
    _change_float(package / "uci_housing_model/fc_0.b_0", -4, lambda value: value + 1)
    for file in (package / "golden/expected").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        document["answer"]["price"] = [[price + 1] for (price,) in document["answer"]["price"]]
        file.write_text(json.dumps(document), encoding="utf-8")


def scores_rounded(package: Path) -> None:
    """ocr-rec, right: postprocessing gives scores with four digits, which recorded answers tolerate."""
    old, new = "scores = [score for _, score in lines]", "scores = [round(score, 4) for _, score in lines]"
    _replace(package / "web_service.py", old, new)


def one_weight_changed(package: Path) -> None:
    """One float of the parameters is another one."""
    if (package / "uci_housing_model").is_dir():
        _change_float(package / "uci_housing_model/fc_0.w_0", -5 * 4, lambda value: value + 0.5)
    else:
        params = package / "ocr_rec_server/inference.pdiparams"
        _change_float(params, _offset_of_ctc_bias(params) + 4 * 100, lambda value: value + 20)


def params_truncated(package: Path) -> None:
    """The second half of the parameters is missing, as after a copy that was cut off."""
    params = package / "ocr_rec_server/inference.pdiparams"
    content = params.read_bytes()
    params.write_bytes(content[: len(content) // 2])


def web_service_broken(package: Path) -> None:
    """web_service.py calls a function that does not exist."""
    _replace(package / "web_service.py", 'load_characters("ppocr', 'load_charcters("ppocr')


def characters_shifted(package: Path) -> None:
    """The dictionary is off by one: every letter comes out as its neighbour."""
    _replace(package / "ctc.py", '["", *Path', '["", " ", *Path')
    _replace(package / "ctc.py", '.splitlines(), " "]', ".splitlines()]")


def pixels_not_scaled(package: Path) -> None:
    """Preprocessing gives the network 0..255 where it was trained on -1..1."""
    _replace(package / "preprocess_ops.py", "(bgr / np.float32(255) -", "(bgr -")


def golden_missing(package: Path) -> None:
    """Nothing can be verified."""
    shutil.rmtree(package / "golden")


VARIANTS: dict[str, tuple[Variant, ...]] = {
    "uci-housing": (published, bias_raised, one_weight_changed),
    "ocr-rec": (
        published,
        scores_rounded,
        one_weight_changed,
        params_truncated,
        web_service_broken,
        characters_shifted,
        pixels_not_scaled,
        golden_missing,
    ),
}


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise SystemExit(
            f"{file}: {old!r} stands there {text.count(old)} times, not once; adapt the variant to the example"
        )
    file.write_text(text.replace(old, new), encoding="utf-8")


def _change_float(file: Path, offset: int, change: Callable[[float], float]) -> None:
    """Changes the little-endian float32 at `offset`, from the end where it is negative."""
    content = bytearray(file.read_bytes())
    position = offset % len(content)
    (value,) = struct.unpack_from("<f", content, position)
    struct.pack_into("<f", content, position, change(value))
    file.write_bytes(content)


def _offset_of_ctc_bias(params: Path) -> int:
    """Where the data of the network's last bias begins: the one vector with an element for every character."""
    content = params.read_bytes()
    for offset, size in _tensors(content):
        if size == CTC_CLASSES * 4:
            return offset
    raise SystemExit(f"{params}: no vector of {CTC_CLASSES} floats; adapt the variant to the example")


def _tensors(content: bytes) -> Iterator[tuple[int, int]]:
    """(offset, bytes) of every tensor's data in a combined parameter file.

    Paddle's SerializeToStream: a version, the level of detail, a version, the length of a description, the description
    (protobuf: type and dimensions), the data.
    """
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<i", content, position + 16)
        description = content[position + 20 : position + 20 + length]
        elements = 1
        for dimension in _dimensions(description):
            elements *= dimension
        data = position + 20 + length
        yield data, elements * 4
        position = data + elements * 4


def _dimensions(description: bytes) -> list[int]:
    """Field 2 of the description, repeated varints; field 1 is the type, always one byte here."""
    numbers, position = [], 2
    while position < len(description):
        position += 1
        value = shift = 0
        while True:
            byte = description[position]
            value |= (byte & ~MORE_TO_COME) << shift
            position, shift = position + 1, shift + 7
            if not byte & MORE_TO_COME:
                break
        numbers.append(value)
    return numbers


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
