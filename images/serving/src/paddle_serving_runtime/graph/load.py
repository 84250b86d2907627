import functools
import traceback
from collections.abc import Mapping
from pathlib import Path

import yaml

from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.graph.build import build_graph
from paddle_serving_runtime.graph.config import ConfigError, line_of, resolve
from paddle_serving_runtime.graph.node import REQUEST, Graph, Node
from paddle_serving_runtime.graph.script import GaveUpError, run_script
from paddle_serving_runtime.model.package import CONFIG, Package
from paddle_serving_runtime.model.predictor import Switches

PLAIN_NODE = "model"


def load(package: Package, overrides: Mapping[str, str], defaults: Switches) -> Graph:
    """The graph of a package; a plain model is a graph of one node, called "model", without an Op.

    A package with web_service.py is executed in its own directory, which stays the working directory of the process
    as it does under Paddle Serving; nothing listens, nothing is written into the package. `overrides` are config.yml
    keys with dots. What config.yml sets wins over `defaults`. The Ops' init_op() is left to the caller.
    Raises ServiceBroken with file, line and the error, ModelInvalid for a model that is not there or not complete.
    """
    if package.web_service is None:
        node = Node(PLAIN_NODE, None, (REQUEST,), package.model_dir, defaults, (), 1, None, None, 1)
        return Graph("", (node,), PLAIN_NODE)
    completed = functools.partial(resolve, overrides=overrides, defaults=defaults)
    try:
        return build_graph(package, run_script(package.web_service, package.config, completed), defaults)
    except (ServingError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ServiceBroken(explain(error, package)) from error


def explain(error: BaseException, package: Package) -> str:
    """One sentence with file, line and error, without a path outside of the package."""
    if isinstance(error, GaveUpError) and error.__context__ is not None:
        error = error.__context__
    if isinstance(error, ConfigError):
        return f"{_config_place(package, error.path)}: {error.path or 'the file'} {error.message}."
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{CONFIG}:{error.problem_mark.line + 1}: {error.problem or error.context}."
    place = _script_place(error, package.root)
    if isinstance(error, GaveUpError):
        said = "Paddle Serving ended the process; its log line before this one says why"
    elif isinstance(error, SystemExit):
        said = f"the script ended itself: {error.code}"
    else:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    return f"{place}: {said.replace(f'{package.root}/', '')}"


def _config_place(package: Package, path: str) -> str:
    if package.config is None:
        return "configuration"
    line = line_of(package.config.read_text(encoding="utf-8"), path)
    return CONFIG if line is None else f"{CONFIG}:{line}"


def _script_place(error: BaseException, root: Path) -> str:
    """file:line of the innermost frame that is in the package."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_relative(Path(error.filename), root)}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)]
    return f"{_relative(Path(frames[-1].filename), root)}:{frames[-1].lineno}" if frames else "web_service.py"


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
