"""Which files of a folder are the model, and whether they are whole."""

from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid

OLD_PROGRAM, OLD_PARAMS = "__model__", "__params__"


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
    """The model in a folder: __model__ with __params__, *.pdmodel or *.json with *.pdiparams, or __model__ alone.

    The order is LocalPredictor's. Raises ModelInvalid where there is no model, or more than one.
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
    programs, params = sorted(model_dir.glob("*.pdmodel")), sorted(model_dir.glob("*.pdiparams"))
    if len(programs) == len(params) == 1:  # model.pdmodel and params.pdiparams, as convert calls them by default
        return ModelFiles(programs[0], params[0])
    for program in programs:
        raise ModelInvalid(f"{program.with_suffix('.pdiparams')} is missing; {program.name} needs its parameters.")
    if (model_dir / OLD_PROGRAM).is_file():
        return ModelFiles(model_dir / OLD_PROGRAM, None)
    raise ModelInvalid(f"{model_dir} holds no model: no *.pdmodel or *.json with *.pdiparams, and no {OLD_PROGRAM}.")


def model_dirs(root: Path) -> tuple[Path, ...]:
    """Every folder at or below `root` that holds a model, sorted; what is not a model is no error."""
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    return tuple(sorted(path for path in folders if (path / OLD_PROGRAM).is_file() or _programs(path)))


def _programs(folder: Path) -> list[Path]:
    """Every *.pdmodel, and every *.json whose parameters stand beside it."""
    json_programs = [path for path in folder.glob("*.json") if path.with_suffix(".pdiparams").is_file()]
    return sorted([*folder.glob("*.pdmodel"), *json_programs])


def _pairs(folder: Path) -> list[ModelFiles]:
    """One pair for every parameter file; a .pdmodel beside a .json of the same name is taken, as upstream does."""
    pairs = {}
    for program in _programs(folder):  # .json sorts before .pdmodel and is replaced by it
        params = program.with_suffix(".pdiparams")
        if params.is_file():
            pairs[params] = ModelFiles(program, params)
    return list(pairs.values())


def _required(path: Path) -> Path:
    if not path.is_file():
        raise ModelInvalid(f"{path} is missing. Copy the whole model into the package.")
    return path
