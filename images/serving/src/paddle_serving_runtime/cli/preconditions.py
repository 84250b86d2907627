"""What must be true of the machine before a model is served; where it is not, one sentence says what to do."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from paddle_serving_runtime.errors import ModelUnavailable, ServingError

_RUN = "/run"


def require_readable(root: Path) -> None:
    """Raises ModelUnavailable for the first file or folder of a package that this user cannot read.

    The usual cause is a package of mode 700 or 600 that is mounted into a container, which runs as another user. A
    folder that is not there is not judged here.
    """
    if not root.exists():
        return
    for path in _tree(root):
        wanted = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
        if not os.access(path, wanted):
            mode = stat.filemode(path.stat().st_mode)
            raise ModelUnavailable(
                f"{path} ({mode}, owner {path.stat().st_uid}) cannot be read by user {os.geteuid()}, as which this "
                f"process runs. Make the package readable (chmod -R a+rX on the machine where it lies), or run as its "
                f"owner (docker run --user UID:GID)."
            )


def _tree(root: Path) -> Iterator[Path]:
    """The folder, then what is in it; unreadable folders are not entered. A link is followed for files only."""
    yield root
    for folder, folders, files in os.walk(root):
        yield from (Path(folder) / name for name in (*folders, *files) if (Path(folder) / name).exists())


def require_haproxy() -> None:
    """Raises ServingError where the program in front of the workers is not installed."""
    if shutil.which("haproxy") is None:
        raise ServingError(
            "HaproxyMissing",
            "haproxy is not on PATH; it is the queue in front of the workers (2.6 or newer). Install it, for example "
            "apt-get install haproxy, or use the container image, which has it.",
        )


def working_folder() -> Path:
    """A new folder for sockets, in /run or else the temporary directory. Raises ServingError where neither is writable.

    Short, because the path of a unix socket has at most 107 bytes.
    """
    try:
        parent = _RUN if os.access(_RUN, os.W_OK) else tempfile.gettempdir()
        return Path(tempfile.mkdtemp(prefix="paddle-serving-", dir=parent))
    except OSError:
        raise ServingError(
            "NoWorkingFolder",
            f"Neither /run nor the temporary directory is writable by user {os.geteuid()}. With a "
            f"read-only container give both as memory: docker run --read-only --tmpfs /run --tmpfs /tmp.",
        ) from None
