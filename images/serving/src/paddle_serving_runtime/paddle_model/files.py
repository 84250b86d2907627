"""Which files of a folder are the model, and whether they are whole."""

import re
from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid

LOST_AND_FOUND = "lost+found"
"""What a file system has in its root, often for root's eyes alone; no part of a package."""

OLD_PROGRAM, OLD_PARAMS = "__model__", "__params__"
_MARK = re.compile(rb'"magic"\s*:\s*"pir"')
_MARKED_BYTES = 1000


@dataclass(frozen=True)
class ModelFiles:
    """The program and its parameters.

    `params` is None where every parameter has a file of its own, and where there is no parameter file.
    """

    program: Path
    params: Path | None

    @property
    def is_pir(self) -> bool:
        """Whether the program is in Paddle 3's JSON form."""
        return self.program.suffix == ".json"


def find_model_files(model_dir: Path) -> ModelFiles:
    """The model in a folder: __model__ with __params__, *.pdmodel or *.json with *.pdiparams, or one of them alone.

    A model without parameters has no parameter file, or an empty one. The order is LocalPredictor's. Raises
    ModelInvalid where there is no model, or more than one.
    """
    if not model_dir.is_dir():
        raise ModelInvalid(f"{model_dir} is not a directory. The model that the service names is not in the package.")
    if (model_dir / OLD_PARAMS).is_file():
        return ModelFiles(_required(model_dir / OLD_PROGRAM), model_dir / OLD_PARAMS)
    pairs = _pairs(model_dir)
    if len(pairs) > 1:
        names = ", ".join(pair.program.name for pair in pairs)
        raise ModelInvalid(f"{model_dir} holds more than one model: {names}. Keep one in a folder.")
    if pairs:
        return pairs[0]
    programs, params = _programs(model_dir), sorted(model_dir.glob("*.pdiparams"))
    if len(programs) == len(params) == 1:  # model.pdmodel and params.pdiparams, as convert calls them by default
        return ModelFiles(programs[0], params[0])
    if len(programs) > 1:
        names = ", ".join(program.name for program in programs)
        raise ModelInvalid(f"{model_dir} holds more than one model: {names}. Keep one in a folder.")
    if programs:
        return ModelFiles(programs[0], None)
    if (model_dir / OLD_PROGRAM).is_file():
        return ModelFiles(model_dir / OLD_PROGRAM, None)
    raise ModelInvalid(f"{model_dir} holds no model: no *.pdmodel or *.json with *.pdiparams, and no {OLD_PROGRAM}.")


def model_dirs(root: Path) -> tuple[Path, ...]:
    """Every folder at or below `root` that holds a model, sorted; what is not a model is no error.

    A volume's lost+found, which only root can read, is no part of a package.
    """
    folders = [root, *(path for path in root.rglob("*") if path.is_dir() and not _is_lost(path, root))]
    return tuple(sorted(path for path in folders if (path / OLD_PROGRAM).is_file() or _programs(path)))


def _is_lost(path: Path, root: Path) -> bool:
    return path.relative_to(root).parts[0] == LOST_AND_FOUND


def _programs(folder: Path) -> list[Path]:
    """Every *.pdmodel, and every *.json whose parameters stand beside it or that says that it is a program.

    Of a .pdmodel and a .json of the same name the .pdmodel is taken, as upstream does.
    """
    json_programs = [
        path for path in folder.glob("*.json") if path.with_suffix(".pdiparams").is_file() or _says_so(path)
    ]
    by_stem = {path.stem: path for path in (*json_programs, *folder.glob("*.pdmodel"))}
    return sorted(by_stem.values())


def _pairs(folder: Path) -> list[ModelFiles]:
    """Every program with the parameter file of its name."""
    pairs = [ModelFiles(program, program.with_suffix(".pdiparams")) for program in _programs(folder)]
    return [pair for pair in pairs if pair.params is not None and pair.params.is_file()]


def _says_so(path: Path) -> bool:
    """Whether a JSON file is a program of Paddle 3: they all begin with {"base_code": {"magic": "pir", ...}."""
    if not path.is_file():
        return False
    with path.open("rb") as content:
        return _MARK.search(content.read(_MARKED_BYTES)) is not None


def _required(path: Path) -> Path:
    if not path.is_file():
        raise ModelInvalid(f"{path} is missing. Copy the whole model into the package.")
    return path
