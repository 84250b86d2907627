"""The 18-line configuration of a serving test, as the original test_serving.sh reads it: line by line, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tipc import lines as text_lines
from tipc import tolerances
from tipc.generations import LATER_SCRIPT, Recognised, recognise
from tipc.lines import NULL, ConfigError, Parameter, check_words, device, parameter

__all__ = ["NULL", "Config", "ConfigError", "Parameter", "parse", "read"]

LINES = 18
KEYS = {
    2: "model_name",
    3: "python",
    4: "trans_model",
    5: "--dirname",
    6: "--model_filename",
    7: "--params_filename",
    8: "--serving_server",
    9: "--serving_client",
    10: "serving_dir",
    11: "web_service",
    17: "pipline",
}
"""What must stand before the colon; `pipline` is spelt so everywhere. The other lines have keys of the model."""

IMAGE = "image"
SECOND = "--rec_dirname"
"""Where the second model comes from; one generation alone has one."""

PLACES = {**{key: number for number, key in KEYS.items()}, IMAGE: 18}
SCRIPTS = (11, 17)
SWITCHES = range(12, 17)
OUTPUT = Path("test_tipc/output")


@dataclass(frozen=True)
class Config:
    """A parsed configuration, of whatever generation. Paths are as written, relative to the repository's root.

    `image` is the client's input argument, `null` in its key or value where the client takes none. `tolerance` is
    (rtol, atol) of an optional line after the last one, which the original ignores; None means exact.
    `author_tolerance` is the same for the author's own inference alone, which runs with switches of its own.
    `interpreters` has what runs in place of those of `pythons` that are not here.

    `second` is the conversion of a second model behind the same service, empty where it has one.

    `places` are the lines by key, for messages. Logs go to `output`, status lines to `status_log` in it. `alias` is
    what the service calls the model's only output, where it is not the output's own name.
    """

    path: Path
    model_name: str
    pythons: tuple[str, ...]
    trans_model: str
    convert: tuple[tuple[str, str], ...]
    serving_dir: str
    web_service: str
    device: Parameter
    onednn: Parameter
    threads: Parameter
    tensorrt: Parameter
    precision: Parameter
    clients: tuple[str, ...]
    image: tuple[str, str]
    tolerance: tuple[float, float] | None = None
    second: tuple[tuple[str, str], ...] = ()
    interpreters: Mapping[str, str] = field(default_factory=dict)
    author_tolerance: tuple[float, float] | None = None
    places: Mapping[str, int] = field(default_factory=lambda: PLACES)
    output: Path = OUTPUT
    status_log: str = "results_serving.log"
    alias: str = ""

    @property
    def conversions(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """The arguments of each conversion."""
        return (self.convert, self.second) if self.second else (self.convert,)

    def at(self, key: str, said: str) -> str:
        """A sentence about what a line asks for: `file:line: key: said`, with the key that stands there."""
        line = self.places[key]
        own = next(name for name, number in self.places.items() if number == line)
        return f"{self.path}:{line}: {own}: {said}"


def read(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError naming file, line and key."""
    return parse(path, text_lines.read(path))


def parse(path: Path, content: bytes) -> Config:
    """The configuration in `content`; `path` is only named in messages. Raises ConfigError. Pure."""
    lines = text_lines.split(path, content)
    if later := recognise(lines):
        raise ConfigError(f"{path}:{later.line}: {_of_later_script(path, later)}")
    pairs = text_lines.pairs(path, lines, LINES, KEYS)
    check_words(path, 4, KEYS[4], pairs[4][1], script=False)
    for number in SCRIPTS:
        for command in pairs[number][1].split("|"):
            check_words(path, number, KEYS[number], command, script=True)
    _check_depth(path, pairs[10][1])
    allowed = tolerances.read(path, lines, LINES)
    return Config(
        path=path,
        model_name=pairs[2][1],
        pythons=tuple(pairs[3][1].split("|")),
        trans_model=pairs[4][1],
        convert=tuple(pairs[number] for number in range(5, 10)),
        serving_dir=pairs[10][1],
        web_service=pairs[11][1],
        device=device(path, 12, pairs[12]),
        onednn=parameter(pairs[13]),
        threads=parameter(pairs[14]),
        tensorrt=parameter(pairs[15]),
        precision=parameter(pairs[16]),
        clients=tuple(pairs[17][1].split("|")),
        image=pairs[18],
        tolerance=allowed.get(tolerances.TOLERANCE),
        author_tolerance=allowed.get(tolerances.AUTHORS),
        places={**{pairs[number][0]: number for number in (*SWITCHES, 18)}, **PLACES},
    )


def _of_later_script(path: Path, later: Recognised) -> str:
    generation = later.generation
    if generation.refusal:
        return f"{later.key}: a configuration {kind(later)}, which needs {generation.refusal}."
    return (
        f"{later.key}: a configuration {kind(later)}, not the 18 lines of test_serving.sh. "
        f"Run it with its own script: bash test_tipc/{LATER_SCRIPT} {path} serving_infer"
    )


def kind(later: Recognised) -> str:
    """The generation as part of a sentence."""
    return (
        later.generation.name if later.generation.name.startswith("of ") else f"of generation {later.generation.name}"
    )


def _check_depth(path: Path, serving_dir: str) -> None:
    parts = [part for part in Path(serving_dir).parts if part != "."]
    if len(parts) != 2 or ".." in parts or Path(serving_dir).is_absolute():  # noqa: PLR2004 - ../../test_tipc/output
        raise ConfigError(
            f"{path}:10: serving_dir is {serving_dir!r}; it must lie exactly two levels below the repository's root, "
            "for example ./deploy/serving, because logs go to ../../test_tipc/output."
        )
