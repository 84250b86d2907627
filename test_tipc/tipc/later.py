"""Configurations of test_serving_infer_python.sh (2022), read into what the 18 lines of test_serving.sh say."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tipc import lines as text_lines
from tipc import tolerances
from tipc.config import IMAGE, OUTPUT, Config, kind
from tipc.generations import CLAS, CPP, DEVICE_PREFIX, LATER_SCRIPT, MODELS, OCR, Recognised, recognise
from tipc.lines import NULL, ConfigError, Parameter, check_words, device, parameter
from tipc.naming import file_name

MODEL = ("trans_model", "--dirname", "--model_filename", "--params_filename", "--serving_server", "--serving_client")
COMMON = ("", "model_name", "python", *MODEL, "serving_dir", "web_service")
CLAS_KEYS = (*COMMON[:3], "inference_model_url", *COMMON[3:], "--use_gpu", "pipline")
OCR_KEYS = (
    "",
    "model_name",
    "python",
    "trans_model",
    "--det_dirname",
    "--model_filename",
    "--params_filename",
    "--det_serving_server",
    "--det_serving_client",
    "--rec_dirname",
    "--rec_serving_server",
    "--rec_serving_client",
    "serving_dir",
    "web_service",
)
OCR_LINES, OCR_CLIENTS = 23, 22
NOTHING = Parameter(NULL, (NULL,))
GPU = "gpu"
"""PaddleOCR's word for the device that is `0` elsewhere."""


@dataclass(frozen=True)
class Source:
    """A file's lines, and what its directory of services holds: the text of a file by path, None where it is not."""

    path: Path
    mode: str
    lines: Sequence[str]
    look: Callable[[str], str | None]


def read(path: Path, root: Path, mode: str) -> Config:
    """The configuration in a file; logs go to a folder of its model and mode. Raises ConfigError."""

    def look(name: str) -> str | None:
        with suppress(OSError, UnicodeDecodeError):
            return (root / name).read_text(encoding="utf-8")
        return None

    return parse(Source(path, mode, text_lines.split(path, text_lines.read(path)), look))


def folder(path: Path, mode: str) -> Path | None:
    """Where the logs of a configuration go, which need not be one that can be run; None where it names no model."""
    with suppress(ConfigError):
        for line in text_lines.split(path, text_lines.read(path)):
            key, _, value = line.partition(":")
            if key.strip() == "model_name" and value.strip():
                return OUTPUT / file_name(value.strip()) / mode
    return None


def parse(source: Source) -> Config:
    """The configuration. Raises ConfigError with the generation of one that cannot be run. Pure but for `look`."""
    found = recognise(source.lines)
    if found is None:
        raise ConfigError(
            f"{source.path}:1: none of its keys is one of {LATER_SCRIPT}'s generations; the 18 lines of generation G1 "
            f"are run by: bash test_tipc/test_serving.sh {source.path}"
        )
    if found.generation.refusal:
        _refuse(source, found, found.generation.refusal)
    config = PARSERS[found.generation.name](source, found)
    check_words(source.path, config.places["trans_model"], "trans_model", config.trans_model, script=False)
    for key, commands in (("web_service", (config.web_service,)), ("pipline", config.clients)):
        for command in commands:
            check_words(source.path, config.places[key], key, command, script=True)
    return config


def _refuse(source: Source, found: Recognised, need: str) -> None:
    raise ConfigError(f"{source.path}:{found.line}: {found.key}: a configuration {kind(found)}, which needs {need}.")


def _models(source: Source, _found: Recognised) -> Config:
    """13 to 16 lines: after web_service, lines for the device, names of input and output, clients and input, by key."""
    fixed = _fixed(source, COMMON)
    rest: dict[str, str] = {}
    places = {key: number for number, key in enumerate(COMMON, start=1)}
    chosen, image = NOTHING, (NULL, NULL)
    for number, line in enumerate(source.lines[len(COMMON) :], start=len(COMMON) + 1):
        key, value = text_lines.pair(source.path, number, line)
        if key in ("pipline", "--output_name", "--input_name"):
            rest[key], places[key] = value, number
        elif ".local_service_conf." in key:
            values = "|".join(part.strip("\"'") for part in value.split("|"))
            chosen = device(source.path, number, (key.removeprefix(DEVICE_PREFIX), values))
            places[chosen.key] = number
        elif "tolerance" not in key:
            image, places[IMAGE] = (key, value), number
    _must_have(source, rest, "pipline")
    names = [f"{key}={rest[key]}" for key in ("--input_name", "--output_name") if rest.get(key, NULL) != NULL]
    option = [DEVICE_PREFIX.strip()] if any(line.startswith(DEVICE_PREFIX) for line in source.lines) else []
    asked_for = names[:1] if rest.get("--input_name", NULL) != NULL else []
    clients = tuple(" ".join([_local(client), *asked_for]) for client in rest["pipline"].split("|"))
    return _config(
        source,
        fixed,
        places,
        web_service=" ".join([_local(fixed["web_service"]), *names, *option]),
        device=chosen,
        clients=clients,
        image=image,
        status_log="results_python.log" if "--output_name" in rest else "serving_infer_python.log",
    )


def _clas(source: Source, found: Recognised) -> Config:
    """14 lines; the original writes model, device and the model's input name into config.yml and the service."""
    fixed = _fixed(source, CLAS_KEYS)
    if fixed["web_service"] == NULL:
        _refuse(source, found, CPP.refusal)
    places = {key: number for number, key in enumerate(CLAS_KEYS, start=1)}
    conf = f"op.{_only_op(source, fixed, places)}.local_service_conf"
    server = PurePosixPath(fixed["--serving_server"]).name
    return _config(
        source,
        fixed,
        {**places, f"{conf}.devices": places["--use_gpu"]},
        web_service=f"{fixed['web_service']} {conf}.model_config={shlex.quote(server)}",
        device=device(source.path, places["--use_gpu"], (f"{conf}.devices", fixed["--use_gpu"])),
        clients=tuple(fixed["pipline"].split("|")),
        alias="prediction",
    )


def _ocr(source: Source, found: Recognised) -> Config:
    """23 lines with a detector, a recogniser or both; both are one service of two models."""
    keys = {number: key for number, key in enumerate(OCR_KEYS, start=1) if key} | {OCR_CLIENTS: "pipline"}
    pairs = text_lines.pairs(source.path, source.lines, OCR_LINES, keys)
    fixed = dict(pairs.values())
    kinds = [name for name in ("det", "rec") if fixed[f"--{name}_dirname"] != NULL]
    if not kinds:
        _refuse(source, found, "a model: --det_dirname and --rec_dirname are null")
    places = {key: number for number, (key, _) in pairs.items()}
    models = [
        f"op.{name}.local_service_conf.model_config="
        + shlex.quote(PurePosixPath(fixed[f"--{name}_serving_server"]).name)
        for name in kinds
    ]
    own = {key: key.replace("--", f"--{kinds[0]}_") for key in ("--dirname", "--serving_server", "--serving_client")}
    devices = "|".join("0" if value == GPU else value for value in pairs[15][1].split("|"))
    return _config(
        source,
        fixed | {key: fixed[name] for key, name in own.items()},
        places | {key: places[name] for key, name in own.items()} | {IMAGE: OCR_LINES},
        web_service=" ".join([fixed["web_service"], *models]),
        device=device(source.path, 15, (pairs[15][0], devices)),
        matrix=tuple(parameter(pairs[number]) for number in range(16, 20)),
        clients=tuple(fixed["pipline"].split("|")),
        image=pairs[OCR_LINES],
        status_log="results_python_serving.log",
        second=_second(fixed) if len(kinds) > 1 else (),
    )


def _second(fixed: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The conversion of the recogniser."""
    return tuple((key, fixed.get(key.replace("--", "--rec_"), fixed.get(key, NULL))) for key in MODEL[1:])


PARSERS: Mapping[str, Callable[[Source, Recognised], Config]] = {
    MODELS.name: _models,
    CLAS.name: _clas,
    OCR.name: _ocr,
}


def _fixed(source: Source, order: Sequence[str]) -> dict[str, str]:
    keys = {number: key for number, key in enumerate(order, start=1) if key}
    return dict(text_lines.pairs(source.path, source.lines, len(order), keys).values())


def _must_have(source: Source, values: Mapping[str, str], key: str) -> None:
    if not values.get(key):
        raise ConfigError(f"{source.path}:{len(source.lines)}: the file has no line {key!r} with a value. Add it.")


def _local(script: str) -> str:
    return script.removeprefix("./")


def _only_op(source: Source, fixed: Mapping[str, str], places: Mapping[str, int]) -> str:
    """The name of the only Op in config.yml. Raises ConfigError."""
    name = f"{fixed['serving_dir'].rstrip('/')}/config.yml"
    document: Any = None
    with suppress(yaml.YAMLError):
        document = yaml.safe_load(source.look(name) or "")
    ops = document.get("op") if isinstance(document, dict) else None
    if not isinstance(ops, dict) or len(ops) != 1:
        raise ConfigError(
            f"{source.path}:{places['serving_dir']}: serving_dir: {name} must have one Op, whose model and device "
            f"generation {CLAS.name} sets; it has {len(ops) if isinstance(ops, dict) else 'none'}."
        )
    return str(next(iter(ops)))


def _config(source: Source, fixed: Mapping[str, str], places: Mapping[str, int], **rest: Any) -> Config:  # noqa: ANN401
    """The configuration with what all of these generations have."""
    onednn, threads, tensorrt, precision = rest.pop("matrix", (NOTHING,) * 4)
    output = OUTPUT / file_name(fixed["model_name"]) / source.mode
    allowed = tolerances.read(source.path, source.lines, 1)
    settings: dict[str, Any] = {"image": (NULL, NULL), **rest}
    return Config(
        path=source.path,
        model_name=fixed["model_name"],
        pythons=tuple(fixed["python"].split("|")),
        trans_model=fixed["trans_model"],
        convert=tuple((key, fixed[key]) for key in MODEL[1:]),
        serving_dir=fixed["serving_dir"],
        onednn=onednn,
        threads=threads,
        tensorrt=tensorrt,
        precision=precision,
        tolerance=allowed.get(tolerances.TOLERANCE),
        author_tolerance=allowed.get(tolerances.AUTHORS),
        places=places,
        output=output,
        **settings,
    )
