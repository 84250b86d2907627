"""What a configuration needs on this machine, looked at before anything is started."""

import shlex
import shutil
from pathlib import Path

from tipc.config import NULL, Config, ConfigError
from tipc.matrix import CPP


def check_files(root: Path, config: Config) -> None:
    """Returns when every interpreter, folder and script of the configuration is there. Raises ConfigError."""
    for python in config.pythons:
        if python != CPP and shutil.which(python) is None:
            raise ConfigError(f"{config.path}:3: python: {python} is not on PATH. Name an interpreter that is.")
    dirname, model, params = (value for _, value in config.convert[:3])
    _must_exist(config, 5, "--dirname", root / dirname)
    for line, key, name in ((6, "--model_filename", model), (7, "--params_filename", params)):
        if name != NULL:
            _must_exist(config, line, key, root / dirname / name)
    service = root / config.serving_dir
    _must_exist(config, 10, "serving_dir", service)
    _must_exist(config, 11, "web_service", service / shlex.split(config.web_service)[0])
    for client in config.clients:
        _must_exist(config, 17, "pipline", service / shlex.split(client)[0])
    key, image = config.image
    if key != NULL and "/" in image and "://" not in image:
        _must_exist(config, 18, key, service / image)


def _must_exist(config: Config, line: int, key: str, path: Path) -> None:
    if not path.exists():
        raise ConfigError(
            f"{config.path}:{line}: {key}: {path} does not exist. "
            f"If it is made by a preparation: bash test_tipc/prepare.sh {config.path}"
        )
