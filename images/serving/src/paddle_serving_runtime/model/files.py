"""Which files of a folder are the model."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelFiles:
    """The program and its parameters; `params` is None where every parameter has a file of its own."""

    program: Path
    params: Path | None

    @property
    def is_pir(self) -> bool:
        """Whether the program is in Paddle 3's JSON form."""
        return self.program.suffix == ".json"


def find_model_files(model_dir: Path) -> ModelFiles:
    """The model in a folder: __model__ with __params__, *.pdmodel, *.json with *.pdiparams, or __model__ alone."""
    raise NotImplementedError


def model_dirs(root: Path) -> tuple[Path, ...]:
    """Every folder at or below `root` that holds a model, sorted."""
    raise NotImplementedError
