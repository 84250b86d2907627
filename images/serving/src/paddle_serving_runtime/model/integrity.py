"""Whether the files of a model belong together and are whole."""

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.model.files import ModelFiles
from paddle_serving_runtime.model.parameters import check_parameters
from paddle_serving_runtime.model.program import read_program


def check_model(files: ModelFiles) -> None:
    """Returns when the program can be read and has all of its parameters. Raises ModelInvalid naming the file."""
    parameters = read_program(files).parameters
    if files.params is not None:
        found = check_parameters(files.params)
        if found < len(parameters):
            raise ModelInvalid(
                f"{files.params} holds {found} tensors, but {files.program.name} has {len(parameters)} parameters. "
                "Copy both files again from where the model was exported."
            )
        return
    for name in parameters:
        path = files.program.parent / name
        if not path.is_file():
            raise ModelInvalid(f"{path} is missing; {files.program.name} names it as a parameter.")
        if check_parameters(path) != 1:
            raise ModelInvalid(f"{path} does not hold exactly one tensor. Copy the file again.")
