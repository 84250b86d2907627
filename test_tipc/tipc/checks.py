"""What a configuration needs on this machine, looked at before anything is started."""

import platform
import shlex
from dataclasses import replace
from pathlib import Path

from paddle_serving_runtime.cli.preconditions import require_haproxy
from paddle_serving_runtime.errors import ServingError
from tipc import interpreters
from tipc.config import IMAGE, NULL, SECOND, Config, ConfigError
from tipc.matrix import CPP


def with_interpreters(config: Config) -> Config:
    """The configuration with what runs in place of interpreters that are not here. Raises ConfigError for others."""
    found = {}
    for python in config.pythons:
        used = python if python == CPP else interpreters.at_hand(python)
        if used is None:
            raise ConfigError(config.at("python", f"{python} does not run here. Name an interpreter that does."))
        if used != python:
            found[python] = used
    if all(python == CPP for python in config.pythons):
        raise ConfigError(
            config.at(
                "python",
                "cpp is Paddle Serving's C++ server, which is not part of this test, and nothing else is named. "
                "Name an interpreter.",
            )
        )
    return replace(config, interpreters=found)


def replaced(config: Config) -> list[str]:
    """A sentence for every interpreter that is replaced."""
    version = platform.python_version()
    return [
        config.at("python", f"{python} does not run here; {used} ({version}) runs in its place.")
        for python, used in config.interpreters.items()
    ]


def check_haproxy(config: Config) -> None:
    """Raises ConfigError where the runtime that serves on this machine misses the program in front of its workers."""
    try:
        require_haproxy()
    except ServingError as error:
        raise ConfigError(config.at("web_service", error.message)) from None


def check_files(root: Path, config: Config) -> None:
    """Returns when every folder and script of the configuration is there. Raises ConfigError."""
    for conversion, place in zip(config.conversions, ("--dirname", SECOND), strict=False):
        dirname, model, params = (value for _, value in conversion[:3])
        _must_exist(config, place, root / dirname)
        for key, name in (("--model_filename", model), ("--params_filename", params)):
            if name != NULL:
                _must_exist(config, key, root / dirname / name)
    service = root / config.serving_dir
    _must_exist(config, "serving_dir", service)
    script = service / shlex.split(config.web_service)[0]
    _must_exist(config, "web_service", script)
    if not script.resolve().is_relative_to(service.resolve()):
        raise ConfigError(
            config.at(
                "web_service",
                f"{script} is outside of serving_dir, which is what is packaged and served. Move it there.",
            )
        )
    for client in config.clients:
        _must_exist(config, "pipline", service / shlex.split(client)[0])
    key, image = config.image
    if key != NULL and "/" in image and "://" not in image:
        _must_exist(config, IMAGE, service / image)


def _must_exist(config: Config, place: str, path: Path) -> None:
    if not path.exists():
        made = f"If it is made by a preparation: bash test_tipc/prepare.sh {config.path}"
        raise ConfigError(config.at(place, f"{path} does not exist. {made}"))
