"""The author's own inference: where it is, how it is asked, and what it printed. Pure but for looking at files."""

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_serving_runtime.consistency import Answer, Comparison, Tolerance, compare, values_to_answer
from tipc import tolerances
from tipc.answers import AnswerError, canonical, literal
from tipc.config import NULL, Config, ConfigError
from tipc.naming import file_name

SCRIPTS = ("infer.py", "deploy/inference_python/infer.py")
"""Where repositories that follow the specification have it, relative to their root; also infer.py in serving_dir."""

MODEL_OPTIONS = ("--model-dir", "--model_dir", "--dirname", "--inference_model_dir")
NAME = "the author's inference"
_COMMAND = "command"
_PAIR = re.compile(r"(?:^|,\s*)([A-Za-z_][\w.]*):\s+")


@dataclass(frozen=True)
class Script:
    """An infer.py whose options are still to be learnt from its --help; `path` is relative to the root."""

    path: str


@dataclass(frozen=True)
class Command:
    """A command line of the repository's author, run in the root."""

    words: tuple[str, ...]


def find(root: Path, config: Config) -> Script | Command | None:
    """What answers for the author, None where the repository has nothing.

    `<model>.answers` beside the configuration names a command (`command:python3 tools/infer.py ...`); it wins over
    the scripts of SCRIPTS. Raises ConfigError for a file of that name that names none.
    """
    named = answers_file(config)
    if named.is_file():
        return _command(named)
    for path in (*SCRIPTS, str(Path(config.serving_dir) / "infer.py")):
        if (root / path).is_file():
            return Script(path)
    return None


def answers_file(config: Config) -> Path:
    """The file beside the configuration that may name the author's command."""
    return config.path.parent / f"{file_name(config.model_name)}.answers"


def _command(path: Path) -> Command:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}:1: not UTF-8 text. Save the file as UTF-8.") from None
    found: list[Command] = []
    for number, line in enumerate(lines, start=1):
        key, colon, value = line.strip().partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if key.strip() != _COMMAND or not colon or not value.strip():
            text = line.strip()
            raise ConfigError(f"{path}:{number}: {text!r}: write `command:` and the author's inference command.")
        try:
            found.append(Command(tuple(shlex.split(value))))
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {_COMMAND}: {value.strip()!r}: {error}.") from None
    if len(found) != 1:
        raise ConfigError(f"{path}:1: has {len(found)} lines `command:...`; write exactly one.")
    return found[0]


def arguments(help_text: str, config: Config, root: Path) -> list[str]:
    """The arguments of an infer.py: the original model, and the client's input as line 18 gives it.

    Raises AnswerError where its --help does not know such options.
    """
    model = next((option for option in MODEL_OPTIONS if _knows(help_text, option)), None)
    if model is None:
        raise AnswerError(f"its --help knows none of {', '.join(MODEL_OPTIONS)}")
    chosen = [f"{model}={dict(config.convert)['--dirname']}"]
    key, value = config.image
    if NULL in (key, value) or not value:
        return chosen
    forms = dict.fromkeys((key, "--" + key[2:].replace("-", "_"), "--" + key[2:].replace("_", "-")))
    option = next((form for form in forms if _knows(help_text, form)), None)
    if option is None:
        raise AnswerError(f"its --help does not know {key}, by which line 18 gives the client its input")
    inside = (root / config.serving_dir / value).resolve()
    shown = inside.relative_to(root.resolve()) if inside.is_relative_to(root.resolve()) else inside
    return [*chosen, f"{option}={shown if inside.exists() else value}"]


def _knows(help_text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_text) is not None


def printed(log: str, outputs: Collection[str]) -> list[Answer]:
    """The answers in what it printed, one a line, in order; flat, by the names that are among `outputs`.

    A line is a JSON object, a Python dict, or upstream's `image_name: a.jpg, class_id: 8, prob: 0.99`. Lines without
    any of the names are the author's own text.
    """
    found = []
    for line in log.splitlines():
        values = {name: value for name, value in _values(line.strip()).items() if name in outputs}
        if values:
            answer = values_to_answer({name: _text(value) for name, value in values.items()})
            found.append(_flat(answer))
    return found


def _values(line: str) -> dict[str, Any]:
    if isinstance(value := literal(line), dict):
        return value
    starts = list(_PAIR.finditer(line))
    if not starts or starts[0].start():
        return {}
    ends = [pair.start() for pair in starts[1:]] + [len(line)]
    return {pair[1]: line[pair.end() : end].strip() for pair, end in zip(starts, ends, strict=True)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _flat(answer: Answer) -> Answer:
    """Authors print a number where a service answers a list of one: shapes say nothing here, names and values do."""
    return {name: np.ravel(array) for name, array in answer.items()}


def joined(given: Sequence[Answer]) -> Answer:
    """The values of each output of all answers in a row."""
    names = dict.fromkeys(name for answer in given for name in answer)
    return {name: np.concatenate([np.ravel(answer[name]) for answer in given if name in answer]) for name in names}


def compared(
    sample: str, authors: Answer, other: Answer, tolerance: Tolerance, other_name: str
) -> tuple[Comparison, ...]:
    """The outputs that the author's inference printed against another side's answer to the same input.

    Raises AnswerError where the tolerance is too loose for these values to prove anything.
    """
    mine = _flat({name: array for name, array in other.items() if name in authors})
    if said := tolerances.objection(tolerance, mine, authors):
        raise AnswerError(f"author_tolerance: {said}")
    return compare(sample, canonical(mine), canonical(authors), tolerance, other_name, NAME)
