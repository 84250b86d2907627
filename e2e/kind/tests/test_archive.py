import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from e2e.kind.archive import Fan, write_thin

BASE, CODE = b"base layer " * 1000, b"code layer"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


CONFIGURATION = json.dumps({"rootfs": {"diff_ids": [digest(BASE), digest(CODE), digest(CODE)]}}).encode()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def saved(path: Path, layers: list[str]) -> Path:
    """What `docker save` writes: the manifest last, and a layer that occurs twice as a link."""
    with tarfile.open(path, "w") as archive:
        add(archive, layers[0], BASE)
        add(archive, layers[1], CODE)
        if layers[2] != layers[1]:
            link = tarfile.TarInfo(layers[2])
            link.type, link.linkname = tarfile.SYMTYPE, f"../{layers[1]}"
            archive.addfile(link)
        add(archive, "config.json", CONFIGURATION)
        add(archive, "manifest.json", json.dumps([{"Config": "config.json", "Layers": layers}]).encode())
    return path


def thin(source: Path, known: set[str]) -> dict[str, bytes]:
    target = io.BytesIO()
    assert write_thin(source, "docker.io/library/app:v1", known, Fan([target], print)) is True
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    data = files["blobs/" + descriptor["digest"].replace(":", "/")]
    assert digest(data) == descriptor["digest"]
    assert len(data) == descriptor["size"]
    return data


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return saved(tmp_path / "image.tar", ["a/layer.tar", "b/layer.tar", "c/layer.tar"])


def test_a_thin_archive_is_an_image_layout_with_the_name_the_image_is_to_get(source: Path) -> None:
    files = thin(source, set())
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (named,) = json.loads(files["index.json"])["manifests"]
    assert named["annotations"] == {"io.containerd.image.name": "docker.io/library/app:v1"}
    manifest = json.loads(blob(files, named))
    assert blob(files, manifest["config"]) == CONFIGURATION
    assert [blob(files, layer) for layer in manifest["layers"]] == [BASE, CODE, CODE]


def test_known_layers_are_named_but_not_sent(source: Path) -> None:
    files = thin(source, {digest(BASE)})
    assert BASE not in files.values()
    assert CODE in files.values()
    (named,) = json.loads(files["index.json"])["manifests"]
    layers = json.loads(blob(files, named))["layers"]
    assert [(layer["digest"], layer["size"]) for layer in layers[:2]] == [
        (digest(BASE), len(BASE)),
        (digest(CODE), len(CODE)),
    ]


def test_the_layout_of_newer_engines_is_read_too(tmp_path: Path) -> None:
    base, code = (f"blobs/{digest(data).replace(':', '/')}" for data in (BASE, CODE))
    files = thin(saved(tmp_path / "image.tar", [base, code, code]), {digest(BASE)})
    assert BASE not in files.values()
    assert CODE in files.values()


def test_compressed_layers_are_left_to_be_sent_as_they_are(tmp_path: Path) -> None:
    layers = [f"blobs/sha256/{letter * 64}" for letter in "abb"]
    target = io.BytesIO()
    assert write_thin(saved(tmp_path / "image.tar", layers), "app:v1", set(), Fan([target], print)) is False
    assert target.getvalue() == b""


def test_every_reader_gets_all_bytes() -> None:
    readers = io.BytesIO(), io.BytesIO()
    told: list[int] = []
    fan = Fan(readers, told.append)
    fan.write(b"one ")
    fan.write(b"two")
    assert [each.getvalue() for each in readers] == [b"one two", b"one two"]
    assert told == [4, 7]
    assert fan.sent == 7
