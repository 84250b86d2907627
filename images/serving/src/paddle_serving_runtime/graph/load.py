import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from paddle_serving_runtime.errors import InvalidOption, ServiceBroken, ServingError
from paddle_serving_runtime.graph.build import build_graph
from paddle_serving_runtime.graph.config import ConfigError, line_of, resolve
from paddle_serving_runtime.graph.devices import UnknownDeviceError, worker_device
from paddle_serving_runtime.graph.kept_shapes import NOTHING, Named, keeping
from paddle_serving_runtime.graph.node import REQUEST, Graph, Node
from paddle_serving_runtime.graph.place import script_place
from paddle_serving_runtime.graph.script import Captured, GaveUpError, run_script
from paddle_serving_runtime.package.contents import CONFIG, Package
from paddle_serving_runtime.paddle_model.adaptation import adapt
from paddle_serving_runtime.paddle_model.files import find_model_files
from paddle_serving_runtime.paddle_model.opening import open_model
from paddle_serving_runtime.paddle_model.switches import Backend, Switches
from paddle_serving_runtime.serving_packages.missing import where_to_find
from paddle_serving_runtime.words import named

PLAIN_NODE = "model"
_OTHER_PATH = re.compile(r" \(/[^)]*\)$")  # of the module, at the end of an ImportError


def load(
    package: Package, overrides: Mapping[str, str], defaults: Switches, worker: int = 0, named: Named = NOTHING
) -> Graph:
    """The graph of a package; a plain model is a graph of one node, called "model", without an Op.

    A package's script is executed in its own directory, which stays the working directory of the process
    as it does under Paddle Serving; nothing listens, nothing is written into the package. `overrides` are config.yml
    keys with dots. What config.yml sets wins over `defaults`. Of several devices, in config.yml or as the default
    ("gpu:0,1"), worker number `worker` has its own, taken in turn. Of shapes that are `named` the models keep what
    they have prepared, beside what they keep anyway. The Ops' init_op() is left to the caller.
    Raises ServiceBroken with file, line and the error, ModelInvalid for a model that is not there or not complete,
    InvalidOption for a default device that is none.
    """
    try:
        defaults = replace(defaults, device=worker_device(defaults.device, worker))
    except UnknownDeviceError as error:
        raise InvalidOption(f"the device {error}.") from None
    if package.web_service is None:
        node = Node(PLAIN_NODE, None, (REQUEST,), package.model_dir, defaults, (), 1, None, None, 1)
        return _keeping(_adapted(Graph("", (node,), PLAIN_NODE)), named)
    completed = functools.partial(resolve, overrides=overrides, defaults=defaults, worker=worker)
    captured = Captured()
    try:
        run_script(package.web_service, package, completed, captured)
        return _keeping(_adapted(build_graph(package, captured, defaults)), named)
    except (ServingError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ServiceBroken(explain(error, package, captured.file or package.config)) from error


def with_backend(graph: Graph, backend: Backend) -> Graph:
    """The graph with this backend wherever a model can have it; its warnings say where not, and why."""
    nodes = (replace(node, switches=replace(node.switches, backend=backend)) for node in graph.nodes)
    return _adapted(replace(graph, nodes=tuple(nodes), warnings=()))


def _keeping(graph: Graph, named: Named) -> Graph:
    return replace(graph, nodes=tuple(keeping(graph.nodes, named)))


def _adapted(graph: Graph) -> Graph:
    """The graph with the switches that its models can bear, and what their owners should know as warnings.

    Raises ModelInvalid where the files of a model are not whole or contradict each other.
    """
    nodes, warnings = [], list(graph.warnings)
    for node in graph.nodes:
        if node.model_dir is None:
            nodes.append(node)
            continue
        model = open_model(node.model_dir)
        adaptation = adapt(model.files, model.program, node.switches)
        nodes.append(replace(node, switches=adaptation.switches))
        warnings += adaptation.warnings
    nodes, alone = with_one_engine(nodes, _parameter_bytes)
    return replace(graph, nodes=tuple(nodes), warnings=tuple(dict.fromkeys([*warnings, *alone])))


def with_one_engine(nodes: Sequence[Node], size: Callable[[Node], int]) -> tuple[list[Node], list[str]]:
    """The nodes, of which one at most has the OpenVINO engine, and a sentence for each that has lost it.

    More than one predictor with it in a process is unsafe, so the largest model gets it, the first of equals.
    """
    taking = [node for node in nodes if node.switches.backend == "OpenVINO"]
    one = max(taking, key=size, default=None)
    lost = {node.name for node in taking if node is not one}
    given = [
        replace(node, switches=replace(node.switches, backend="Default")) if node.name in lost else node
        for node in nodes
    ]
    sentences = [
        f"{name} runs without Paddle's OpenVINO engine: a process has it for one model, which is {one.name}."
        for name in sorted(lost)
        if one is not None
    ]
    return given, sentences


def _parameter_bytes(node: Node) -> int:
    files = find_model_files(node.model_dir) if node.model_dir is not None else None
    return files.params.stat().st_size if files is not None and files.params is not None else 0


def explain(error: BaseException, package: Package, config: Path | None) -> str:
    """One sentence with file, line and error, without a path outside of the package; `config` is the file it read."""
    if isinstance(error, GaveUpError) and error.__context__ is not None:
        error = error.__context__
    if isinstance(error, ConfigError):
        return f"{_config_place(config, error.path)}: {error.path or 'the file'} {error.message}."
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{config.name if config else CONFIG}:{error.problem_mark.line + 1}: {error.problem or error.context}."
    place = script_place(error, package.root) or package.script_name
    if isinstance(error, GaveUpError):
        said = "Paddle Serving ended the process; its log line before this one says why"
    elif isinstance(error, SystemExit):
        said = f"the script ended itself: {error.code}"
    else:
        said = named(error)
    said = said.replace(f"{package.root}/", "")
    return f"{place}: {_OTHER_PATH.sub('', said)}{where_to_find(error)}."


def _config_place(config: Path | None, path: str) -> str:
    if config is None:
        return "configuration"
    line = line_of(config.read_text(encoding="utf-8"), path)
    return config.name if line is None else f"{config.name}:{line}"
