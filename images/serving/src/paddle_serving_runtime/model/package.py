"""What a model package is made of."""

from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid, ModelUnavailable
from paddle_serving_runtime.model.files import model_dirs

GOLDEN = "golden"
EXPECTED = "expected"
SCRIPT = "web_service.py"
CONFIG = "config.yml"


@dataclass(frozen=True)
class Package:
    """A model package on disk.

    `web_service` and `config` are the files of a Paddle Serving service, `model_dir` the folder of the model of a
    package without web_service.py; exactly one of `web_service` and `model_dir` is set.
    """

    root: Path
    web_service: Path | None
    config: Path | None
    model_dir: Path | None

    @property
    def golden(self) -> Path:
        """The folder of golden samples; it need not exist."""
        return self.root / GOLDEN

    @property
    def expected(self) -> Path:
        """The folder of recorded answers; it need not exist."""
        return self.root / GOLDEN / EXPECTED


def load_package(root: Path) -> Package:
    """The parts of the package in directory `root`; nothing is loaded yet.

    Raises ModelUnavailable where `root` is not a directory, ModelInvalid where it has neither a web_service.py nor
    exactly one model.
    """
    root = root.resolve()
    if not root.is_dir():
        raise ModelUnavailable(f"{root} is not a directory. Give the directory of a model package.")
    script, config = root / SCRIPT, root / CONFIG
    if script.is_file():
        return Package(root, script, config if config.is_file() else None, None)
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
