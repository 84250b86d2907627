"""The entry point: `paddle-serving-runtime COMMAND ...`."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

from paddle_serving_runtime.errors import InvalidOption, ServingError
from paddle_serving_runtime.words import named

PROGRAM = "paddle-serving-runtime"
COMMANDS = {
    "serve": "serve a model package; the image's normal work",
    "fetch": "copy a model package from its source and verify it",
    "digest": "write MANIFEST.sha256 of a directory and print its digest",
    "record": "record what your own inference script answers to the golden samples",
    "choose": "find out which backend `serve --backend Auto` takes on this machine",
    "tune": "time backends, threads, workers and batching here, and say what to set",
    "reference": "compute the answers of Paddle Inference alone",
    "check": "compare an endpoint with Paddle Inference and with the recorded answers",
    "verify": "compute what a report says once more, and say what differs",
    "convert": "make a serving model of an inference model, as paddle_serving_client.convert does",
}
DEFAULT_TERMINATION_LOG = "/dev/termination-log"
MAX_MESSAGE_BYTES = 2048
INTERRUPTED, UNEXPECTED = 130, 1
_OTHER_PROGRAMS = ("python", "sh", "bash")
"""What people start in images without an entry point."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are InvalidOption, so that they reach the termination message."""

    @override
    def error(self, message: str) -> NoReturn:
        raise InvalidOption(f"{message}. See `{self.prog} --help`.")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status: 0, or the one of the ServingError that ended it.

    Only the module of the command is imported, so that a small command stays small. The error goes to stderr and to
    the termination message of the container (TERMINATION_LOG, or /dev/termination-log where that exists).
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if not words or words[0] in ("-h", "--help", "--version"):
            return _help(words)
        return _run(words[0], words[1:])
    except ServingError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect of ours has to reach the termination message too
        traceback.print_exc()
        return _fail(ServingError("InternalError", named(error)))


def _run(command: str, words: list[str]) -> int:
    if command not in COMMANDS:
        raise _not_a_command(command)
    module = importlib.import_module(f"paddle_serving_runtime.cli.{command}")
    parser = Parser(f"{PROGRAM} {command}", description=module.__doc__)
    module.add_arguments(parser)
    parse = getattr(module, "parse", Parser.parse_args)
    status: int = module.run(parse(parser, words))
    return status


def _not_a_command(command: str) -> InvalidOption:
    said = f"{command!r} is not a command; commands are {', '.join(COMMANDS)}."
    if command.startswith(_OTHER_PROGRAMS):
        said += (
            " A package with web_service.py is served by `serve --model-dir DIR --name NAME`, which executes it. To "
            f"start another program of the image: docker run --entrypoint {command} IMAGE ..."
        )
    return InvalidOption(said)


def _help(words: list[str]) -> int:
    if words == ["--version"]:
        print(f"{PROGRAM} {version(PROGRAM)}")
        return 0
    lines = [f"usage: {PROGRAM} COMMAND ...", "", *(f"  {name:<10} {what}" for name, what in COMMANDS.items())]
    print("\n".join([*lines, "", f"`{PROGRAM} COMMAND --help` lists the flags of a command."]))
    return 0 if words else InvalidOption.exit_code


def _fail(error: ServingError) -> int:
    message = termination_message(error)
    path = Path(os.environ.get("TERMINATION_LOG") or DEFAULT_TERMINATION_LOG)
    try:
        if "TERMINATION_LOG" in os.environ or path.exists():
            path.write_text(f"{message}\n", encoding="utf-8")
    except OSError as problem:
        print(f"The termination message could not be written to {path}: {problem}", file=sys.stderr)
    print(message, file=sys.stderr)
    return error.exit_code


def termination_message(error: ServingError) -> str:
    """`Reason: sentence.` in one paragraph of at most 2 KiB."""
    text = " ".join(error.describe().split())
    data = text.encode()
    if len(data) < MAX_MESSAGE_BYTES:
        return text
    return data[: MAX_MESSAGE_BYTES - 4].decode(errors="ignore") + "..."


if __name__ == "__main__":
    sys.exit(main())
