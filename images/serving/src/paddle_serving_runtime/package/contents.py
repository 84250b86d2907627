"""What a model package is made of."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from paddle_serving_runtime.errors import InvalidOption, ModelInvalid, ModelUnavailable
from paddle_serving_runtime.paddle_model.files import model_dirs

GOLDEN = "golden"
EXPECTED = "expected"
SCRIPT = "web_service.py"
CONFIG = "config.yml"


@dataclass(frozen=True)
class Package:
    """A model package on disk.

    `web_service` and `config` are the files of a Paddle Serving service, `model_dir` the folder of the model of a
    package without web_service.py; exactly one of `web_service` and `model_dir` is set. `arguments` are the script's
    own, None where nobody gave it any.
    """

    root: Path
    web_service: Path | None
    config: Path | None
    model_dir: Path | None
    arguments: tuple[str, ...] | None = None

    @property
    def script_name(self) -> str:
        """What messages call the script."""
        return str(self.web_service.relative_to(self.root)) if self.web_service else SCRIPT

    @property
    def golden(self) -> Path:
        """The folder of golden samples; it need not exist."""
        return self.root / GOLDEN

    @property
    def expected(self) -> Path:
        """The folder of recorded answers; it need not exist."""
        return self.root / GOLDEN / EXPECTED


def load_package(root: Path, script: str = "") -> Package:
    """The parts of the package in directory `root`; nothing is loaded yet.

    `script` is the service's script with its arguments, as after `python`: "web_service_det.py --config=det.yml";
    empty means web_service.py where the package has one.
    Raises ModelUnavailable where `root` is not a directory, ModelInvalid where it has neither a web_service.py nor
    exactly one model, InvalidOption for a script that is not in the package.
    """
    root = root.resolve()
    if not root.is_dir():
        raise ModelUnavailable(f"{root} is not a directory. Give the directory of a model package.")
    if script:
        return _scripted(root, script)
    if (root / SCRIPT).is_file():
        return Package(root, root / SCRIPT, _config(root, ()), None)
    found = model_dirs(root)
    if not found:
        raise ModelInvalid(
            f"{root} has neither {SCRIPT} nor a model (*.pdmodel, *.json with *.pdiparams, or __model__). "
            "Check that the package's files are at this level."
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise ModelInvalid(f"{root} has no {SCRIPT} and more than one model: {names}. Keep one, or add a {SCRIPT}.")
    return Package(root, None, None, found[0])


def _scripted(root: Path, script: str) -> Package:
    try:
        name, *arguments = shlex.split(script)
    except ValueError:
        raise InvalidOption(f"the script {script!r} is no command line: give FILE [ARGUMENT ...].") from None
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise InvalidOption(
            f"the script {name!r} is not in the package {root}. Name a file of the package, relative to its root."
        )
    return Package(root, path, _config(root, arguments), None, tuple(arguments))


def _config(root: Path, arguments: Sequence[str]) -> Path | None:
    """The file that the script is told to read with --config (or -c), else config.yml; None where it is not there."""
    name = CONFIG
    for argument, following in pairwise([*arguments, ""]):
        if argument in ("--config", "-c"):
            name = following
        elif argument.startswith("--config="):
            name = argument.partition("=")[2]
    path = root / name
    return path if path.is_file() else None
