from pathlib import Path

MANIFEST = "MANIFEST.sha256"


def write(root: Path) -> str:
    """Writes MANIFEST.sha256 of the directory and returns the package's digest, `sha256:<64 hex digits>`.

    The manifest has the format of sha256sum: every other regular file, sorted by the bytes of its path. Raises
    ModelInvalid for links, devices and names that the format cannot hold, ModelUnavailable for an empty directory.
    """
    raise NotImplementedError


def verify(root: Path, digest: str) -> None:
    """Returns when the directory holds exactly the files of the manifest whose sha256 is `digest`.

    Raises DigestMismatch with the expected and the found digest, or the file that is missing, extra, changed or not
    a regular file.
    """
    raise NotImplementedError
