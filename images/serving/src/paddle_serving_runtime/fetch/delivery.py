"""Puts a verified package into an output directory, completely or not at all."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from paddle_serving_runtime.errors import DigestMismatch, InvalidOption, ModelUnavailable
from paddle_serving_runtime.package.manifest import MANIFEST, verify
from paddle_serving_runtime.paddle_model.files import LOST_AND_FOUND

STAGE = ".fetch.partial"
Fill = Callable[[Path], Mapping[str, str] | None]
"""Writes a package into an empty folder; what it returns are the sha256 of files that it has read there already."""


def fetch(fill: Fill, digest: str, output: Path) -> bool:
    """Fills `output` with the package whose digest is given.

    Returns False where a fetch before this one has already done so, else True. The directory may be a mount point: it
    is filled from a folder inside itself, by renaming, with the manifest last. A fetch that was interrupted is begun
    anew. Raises what `fill` raises, DigestMismatch, InvalidOption for a directory that holds something else, and
    ModelUnavailable where it cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        stage = output / STAGE
        if stage.exists():
            _clear(output)
        elif any(path.name != LOST_AND_FOUND for path in output.iterdir()):
            return _require_same(output, digest)
        stage.mkdir()
    except OSError as error:
        raise ModelUnavailable(f"{output} cannot be written: {error.strerror or error}.") from error
    try:
        verify(stage, digest, fill(stage) or {})
        for path in sorted(stage.iterdir(), key=lambda path: path.name == MANIFEST):
            path.rename(output / path.name)
    except OSError as error:
        _clear(output)
        raise ModelUnavailable(f"{output} cannot be filled: {error.strerror or error}.") from error
    except BaseException:
        _clear(output)
        raise
    stage.rmdir()
    return True


def _require_same(output: Path, digest: str) -> bool:
    """False where the directory already is the package. Raises InvalidOption where it is not."""
    try:
        verify(output, digest)
    except DigestMismatch as error:
        raise InvalidOption(f"--output {output} is not empty and not this package: {error.message}") from error
    return False


def _clear(folder: Path) -> None:
    """Empties a folder that this module has begun to fill; the stage goes last, as it marks what is unfinished.

    The lost+found of a volume stays.
    """
    for path in sorted(folder.iterdir(), key=lambda path: path.name == STAGE):
        if path.name == LOST_AND_FOUND:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
