from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.paddle_model.files import ModelFiles
from paddle_serving_runtime.paddle_model.program import json_form, proto_form
from paddle_serving_runtime.paddle_model.program.description import Program

_MAX_JSON = 256 << 20


def read_program(files: ModelFiles) -> Program:
    """The program of a model. Raises ModelInvalid naming the file."""
    try:
        program = _read(files)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ModelInvalid(
            f"{files.program} is not a program that this runtime can read ({type(error).__name__}: {error}). "
            "Export the model again with paddle.jit.save or paddle.static.save_inference_model."
        ) from error
    if not program.fetches:
        raise ModelInvalid(f"{files.program} has no outputs. Export it for inference, not for training.")
    return program


def _read(files: ModelFiles) -> Program:
    if not files.is_pir:
        return proto_form.parse(files.program.read_bytes())
    if files.program.stat().st_size > _MAX_JSON:
        raise ValueError(f"larger than {_MAX_JSON >> 20} MiB")
    return json_form.parse(files.program.read_bytes())
