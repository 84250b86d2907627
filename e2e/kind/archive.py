"""Image archives without the layers that their reader has already."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, Any, cast

CHUNK = 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Fan:
    """A file for writing that passes all it gets to several others, counts the bytes and tells `progress` of them."""

    def __init__(self, files: Sequence[IO[bytes]], progress: Callable[[int], None]) -> None:
        self._files = files
        self._progress = progress
        self.sent = 0

    def write(self, data: bytes) -> int:
        """Writes to every file. Raises BrokenPipeError when one of the readers has gone."""
        for file in self._files:
            file.write(data)
        self.sent += len(data)
        self._progress(self.sent)
        return len(data)


def write_thin(source: Path, name: str, known: Collection[str], target: Fan) -> bool:
    """Writes what `docker save` put into `source` as an OCI layout, leaving out layers whose digests are `known`.

    Returns False, with nothing written, where the layers are not stored as the plain tar files that their digests are
    about (engines with the containerd image store compress them). `name` is the full name that the image is to get.
    """
    with tarfile.open(source) as saved:
        (entry,) = json.load(member(saved, "manifest.json"))
        configuration = member(saved, entry["Config"]).read()
        digests: list[str] = json.loads(configuration)["rootfs"]["diff_ids"]
        if any(compressed(path, digest) for path, digest in zip(entry["Layers"], digests, strict=True)):
            return False
        layers = {digest: content(saved, path) for path, digest in zip(entry["Layers"], digests, strict=True)}
        described = [{"mediaType": LAYER, "digest": digest, "size": layers[digest].size} for digest in digests]
        config = describe(CONFIGURATION, configuration)
        manifest = encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described})
        named = describe(MANIFEST, manifest) | {"annotations": {"io.containerd.image.name": name}}
        with tarfile.open(fileobj=cast("IO[bytes]", target), mode="w|", bufsize=CHUNK) as thin:
            add(thin, "oci-layout", encode({"imageLayoutVersion": "1.0.0"}))
            add(thin, blob(config["digest"]), configuration)
            add(thin, blob(named["digest"]), manifest)
            for digest in [each for each in layers if each not in known]:
                info = tarfile.TarInfo(blob(digest))
                info.size = layers[digest].size
                thin.addfile(info, saved.extractfile(layers[digest]))
            add(thin, "index.json", encode({"schemaVersion": 2, "manifests": [named]}))
    return True


def member(saved: tarfile.TarFile, path: str) -> IO[bytes]:
    """A file of an archive. Raises KeyError where there is none."""
    file = saved.extractfile(path)
    if file is None:
        raise KeyError(path)
    return file


def content(saved: tarfile.TarFile, path: str) -> tarfile.TarInfo:
    """The entry with the bytes of a layer: docker stores a layer that occurs twice as a link to the first."""
    info = saved.getmember(path)
    while info.issym():
        folder = Path("/", path).parent
        path = str((folder / info.linkname).resolve()).lstrip("/")
        info = saved.getmember(path)
    return info


def compressed(path: str, digest: str) -> bool:
    """Whether a layer's file, which is named by its digest, is not the plain tar that the configuration speaks of."""
    return path.startswith("blobs/") and path.rpartition("/")[2] != digest.partition(":")[2]


def blob(digest: str) -> str:
    """Where an OCI layout has the content of this digest."""
    return f"blobs/{digest.replace(':', '/')}"


def encode(value: dict[str, Any]) -> bytes:
    """JSON as bytes."""
    return json.dumps(value).encode()


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    """The descriptor by which OCI documents refer to content."""
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Adds a file to an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
