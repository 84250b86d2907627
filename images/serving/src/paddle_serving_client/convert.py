"""Makes a serving model of an inference model: `python -m paddle_serving_client.convert --dirname DIR ...`.

Every flag, file name and byte of the prototxt files is that of paddle_serving_client 0.9.0, whose own program imports
paddle.fluid and so does not start with Paddle 2.5 and later. The model is copied, not loaded.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.errors import ModelInvalid, ServingError
from paddle_serving_runtime.paddle_model.files import OLD_PROGRAM, ModelFiles
from paddle_serving_runtime.paddle_model.integrity import check_model
from paddle_serving_runtime.paddle_model.program import Port, Program, read_program
from paddle_serving_runtime.paddle_model.prototxt import render
from paddle_serving_runtime.words import counted

DEFAULT_PROGRAM, DEFAULT_PARAMS = "model.pdmodel", "params.pdiparams"
_SERVER, _CLIENT = "serving_server_conf", "serving_client_conf"


@dataclass(frozen=True)
class Conversion:
    """What to convert: the model, where its two halves go, and the aliases (None: the names of the variables)."""

    files: ModelFiles
    program_name: str
    server: Path
    client: Path
    feed_aliases: tuple[str, ...] | None
    fetch_aliases: tuple[str, ...] | None


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns 0, or 1 with a sentence on stderr."""
    parser = argparse.ArgumentParser("paddle_serving_client.convert", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args(argv))
    except ServingError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - a command line program
        return 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the original."""
    parser.add_argument("--dirname", required=True, help="folder of the inference model")
    parser.add_argument("--model_filename", help=f"program file; default {OLD_PROGRAM}")
    parser.add_argument("--params_filename", help="parameter file; default: every parameter in a file of its own")
    parser.add_argument("--serving_server", default="serving_server", help="folder for model and configuration")
    parser.add_argument("--serving_client", default="serving_client", help="folder for the client's configuration")
    parser.add_argument("--show_proto", type=bool, default=False, help="any text: print the prototxt, write nothing")
    parser.add_argument("--feed_alias_names", help="aliases of all inputs, separated by commas")
    parser.add_argument("--fetch_alias_names", help="aliases of all outputs, separated by commas, in order of names")


def run(arguments: argparse.Namespace) -> int:
    """Converts; returns 0. Raises ModelInvalid naming the file or the flag."""
    folder = Path(arguments.dirname)
    program = folder / (arguments.model_filename or OLD_PROGRAM)
    params = folder / arguments.params_filename if arguments.params_filename else None
    for path in (program, params):
        if path is not None and not path.is_file():
            raise ModelInvalid(
                f"{path} does not exist. Check --dirname, --model_filename and --params_filename; {folder} holds "
                f"{', '.join(sorted(item.name for item in folder.glob('*'))) or 'nothing'}."
            )
    both_named = arguments.model_filename and params
    conversion = Conversion(
        ModelFiles(program, params),
        DEFAULT_PROGRAM if program.name == OLD_PROGRAM and not both_named else program.name,
        Path(arguments.serving_server),
        Path(arguments.serving_client),
        _split(arguments.feed_alias_names),
        _split(arguments.fetch_alias_names),
    )
    described = read_program(conversion.files)
    text, stream = configuration(described, conversion)
    if arguments.show_proto:
        print(text)  # noqa: T201 - a command line program
        return 0
    check_model(conversion.files, described)
    _write(conversion, described, text, stream)
    return 0


def configuration(program: Program, conversion: Conversion) -> tuple[str, bytes]:
    """The prototxt as text and as stream; outputs are in the order of their names, as the original writes them."""
    feeds = _aliased("--feed_alias_names", program.feeds, conversion.feed_aliases)
    fetches = sorted(program.fetches, key=lambda port: port.name)
    try:
        return render(feeds, _aliased("--fetch_alias_names", fetches, conversion.fetch_aliases))
    except ValueError as error:
        raise ModelInvalid(f"{conversion.files.program}: a type has no number in Paddle Serving ({error}).") from error


def _aliased(flag: str, ports: Sequence[Port], aliases: tuple[str, ...] | None) -> list[tuple[Port, str]]:
    if aliases is None:
        return [(port, port.name) for port in ports]
    names = ", ".join(port.name for port in ports)
    if len(aliases) != len(ports):
        raise ModelInvalid(
            f"{flag} has {counted(len(aliases), 'name')}, but the model has {counted(len(ports), 'variable')}: {names}."
        )
    if len(set(aliases)) != len(aliases):
        raise ModelInvalid(f"{flag} has a name twice; the variables are {names}.")
    return list(zip(ports, aliases, strict=True))


def _write(conversion: Conversion, program: Program, text: str, stream: bytes) -> None:
    """Copies the model and writes both configurations, over what is there.

    Parameters in files of their own become one file, in the order of their names, which is how Paddle reads it.
    """
    files, server = conversion.files, conversion.server
    server.mkdir(parents=True, exist_ok=True)
    conversion.client.mkdir(parents=True, exist_ok=True)
    names = sorted(parameter.name for parameter in program.parameters)
    parameters = [files.params] if files.params else [files.program.parent / name for name in names]
    _concatenate([files.program], server / conversion.program_name)
    _concatenate(parameters, server / (files.params.name if files.params else DEFAULT_PARAMS))
    for folder, name in ((server, _SERVER), (conversion.client, _CLIENT)):
        (folder / f"{name}.prototxt").write_text(text, encoding="utf-8")
        (folder / f"{name}.stream.prototxt").write_bytes(stream)


def _concatenate(sources: Sequence[Path], target: Path) -> None:
    if [path.resolve() for path in sources] == [target.resolve()]:
        return  # a conversion in place
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("wb") as sink:
        for path in sources:
            with path.open("rb") as source:
                shutil.copyfileobj(source, sink)
    partial.replace(target)


def _split(names: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in names.split(",")) if names is not None else None


if __name__ == "__main__":
    sys.exit(main())
