"""The 18-line configuration of a serving test, as the original test_serving.sh reads it: line by line, in order."""

from dataclasses import dataclass
from pathlib import Path

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

NULL = "null"
OTHER_GENERATION = "serving_infer"
DEVICES = ("null", "0")


class ConfigError(Exception):
    """A configuration that cannot be run: `file:line: key: what is wrong and what to do`."""


@dataclass(frozen=True)
class Parameter:
    """One line with alternatives: the key of an argument and the values that the matrix runs over."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Config:
    """A parsed configuration. Paths are as written, relative to the repository's root.

    `image` is the client's input argument, `null` in its key or value where the client takes none. `tolerance` is
    (rtol, atol) of an optional line after the 18th, which the original ignores; None means exact.
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


def read(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError naming file, line and key."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Give a file of test_tipc/configs.") from None
    return parse(path, content)


def parse(path: Path, content: bytes) -> Config:
    """The configuration in `content`; `path` is only named in messages. Raises ConfigError. Pure."""
    lines = _lines(path, content)
    pairs = {number: _pair(path, number, line) for number, line in enumerate(lines[:LINES], start=1) if number > 1}
    for number, key in KEYS.items():
        if pairs[number][0] != key:
            raise ConfigError(
                f"{path}:{number}: the key is {pairs[number][0]!r}, but line {number} is {key!r}. "
                "The order of lines is fixed; look for a line that is missing, doubled or out of place above."
            )
        if not pairs[number][1]:
            raise ConfigError(f"{path}:{number}: {key} has no value. Write it after the colon.")
    device = _parameter(pairs[12])
    for value in device.values:
        if value not in DEVICES:
            raise ConfigError(
                f'{path}:12: value of {device.key} is "{value}"; a device is `null` (CPU) or `0` (GPU). '
                "Choose the card with the second argument."
            )
    _check_depth(path, pairs[10][1])
    return Config(
        path=path,
        model_name=pairs[2][1],
        pythons=tuple(pairs[3][1].split("|")),
        trans_model=pairs[4][1],
        convert=tuple(pairs[number] for number in range(5, 10)),
        serving_dir=pairs[10][1],
        web_service=pairs[11][1],
        device=device,
        onednn=_parameter(pairs[13]),
        threads=_parameter(pairs[14]),
        tensorrt=_parameter(pairs[15]),
        precision=_parameter(pairs[16]),
        clients=tuple(pairs[17][1].split("|")),
        image=pairs[18],
        tolerance=_tolerance(path, lines),
    )


def _lines(path: Path, content: bytes) -> list[str]:
    """The lines of a configuration of this generation, all of them with text. Raises ConfigError."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        where = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{where}: not UTF-8 text. Save the file as UTF-8.") from None
    if "\r" in text:
        where = text[: text.index("\r")].count("\n") + 1
        raise ConfigError(f"{path}:{where}: ends with CRLF. Convert the file: sed -i 's/\\r$//' {path}")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and OTHER_GENERATION in lines[0]:
        raise ConfigError(
            f"{path}:1: {lines[0].strip('=')!r} is the banner of test_serving_infer_python.sh, a later generation of "
            "configurations (PaddleClas, PaddleDetection, PaddleOCR of 2022). "
            "This script runs the 18 lines of test_serving.sh."
        )
    for number, line in enumerate(lines[:LINES], start=1):
        if not line.strip():
            expected = KEYS.get(number, "key:value")
            raise ConfigError(f"{path}:{number}: {expected} expected, found a blank line. Remove it.")
    if len(lines) < LINES:
        raise ConfigError(
            f"{path}:{len(lines) + 1}: the file ends here; line {len(lines) + 1} of {LINES} "
            f"({KEYS.get(len(lines) + 1, 'key:value')}) is missing."
        )
    return lines


def _pair(path: Path, number: int, line: str) -> tuple[str, str]:
    """Key and value around the first colon; later colons belong to the value, which the original cuts off."""
    key, colon, value = line.strip().partition(":")
    if not colon:
        raise ConfigError(f"{path}:{number}: {line.strip()!r} has no colon; write key:value.")
    return key.strip(), value.strip()


def _parameter(pair: tuple[str, str]) -> Parameter:
    return Parameter(pair[0], tuple(pair[1].split("|")))


def _check_depth(path: Path, serving_dir: str) -> None:
    parts = [part for part in Path(serving_dir).parts if part != "."]
    if len(parts) != 2 or ".." in parts or Path(serving_dir).is_absolute():  # noqa: PLR2004 - ../../test_tipc/output
        raise ConfigError(
            f"{path}:10: serving_dir is {serving_dir!r}; it must lie exactly two levels below the repository's root, "
            "for example ./deploy/serving, because logs go to ../../test_tipc/output."
        )


def _tolerance(path: Path, lines: list[str]) -> tuple[float, float] | None:
    """`tolerance:1e-3|1e-5` (rtol, atol) on a line after the 18th."""
    for number, line in enumerate(lines[LINES:], start=LINES + 1):
        key, _, value = line.partition(":")
        if key.strip() != "tolerance":
            continue
        try:
            rtol, atol = (float(part) for part in value.split("|"))
        except ValueError:
            raise ConfigError(f"{path}:{number}: tolerance is {value!r}; write tolerance:RTOL|ATOL.") from None
        return rtol, atol
    return None
