"""A package to fetch, and the forms that it is fetched in."""

import io
import re
import tarfile
import zipfile
from pathlib import Path

from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.package.manifest import MANIFEST

NO_DIGEST = "sha256:" + "0" * 64
FILES = {"web_service.py": b"print()", "model/__model__": b"\0\1" * 5000, "golden/x.json": b"{}"}


def run(*words: object) -> int:
    return main(["fetch", *map(str, words)])


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def expected(package: Path) -> dict[str, bytes]:
    return {**FILES, MANIFEST: (package / MANIFEST).read_bytes()}


def config_map(package: Path, folder: Path) -> Path:
    """What the kubelet makes of a ConfigMap, in which Kubernetes takes not every key."""
    data = folder / "mounted" / "..2026_11_23_04_00_00.123"
    data.mkdir(parents=True)
    keys = {name.replace("/", "__"): content for name, content in contents(package).items()}
    for key, content in keys.items():
        if re.fullmatch(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}", key):
            (data / key).write_bytes(content)
            (data.parent / key).symlink_to(f"..data/{key}")
    (data.parent / "..data").symlink_to(data.name)
    return data.parent


def tar_of(package: Path, prefix: str = "", mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(package, arcname=prefix or ".")
    return buffer.getvalue()


def zip_of(package: Path, prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(package).items():
            archive.writestr(prefix + name, content)
    return buffer.getvalue()
