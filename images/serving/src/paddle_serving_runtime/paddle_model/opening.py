"""A model on disk, read and checked before Paddle sees it."""

from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.paddle_model import prototxt
from paddle_serving_runtime.paddle_model.agreement import check_agreement
from paddle_serving_runtime.paddle_model.files import ModelFiles, find_model_files
from paddle_serving_runtime.paddle_model.integrity import check_model
from paddle_serving_runtime.paddle_model.program import Program, read_program
from paddle_serving_runtime.paddle_model.prototxt import ModelConf


@dataclass(frozen=True)
class OpenedModel:
    """The files of a model, and what its program and its prototxt say."""

    files: ModelFiles
    program: Program
    conf: ModelConf


def open_model(model_dir: Path) -> OpenedModel:
    """The model in a folder. Raises ModelInvalid where its files are not whole or contradict each other."""
    files = find_model_files(model_dir)
    program = read_program(files)
    check_model(files, program)
    conf = prototxt.read(model_dir, program)
    check_agreement(model_dir, conf, program)
    return OpenedModel(files, program, conf)
