"""From the Ops that a script has connected to a Graph."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from paddle_serving_runtime.errors import ServiceBroken
from paddle_serving_runtime.graph.config import NO_EFFECT, ConfigError
from paddle_serving_runtime.graph.node import Graph, Node
from paddle_serving_runtime.graph.script import Captured
from paddle_serving_runtime.package.contents import Package
from paddle_serving_runtime.paddle_model import prototxt
from paddle_serving_runtime.paddle_model.switches import Switches


def build_graph(package: Package, captured: Captured, defaults: Switches) -> Graph:
    """The graph that ends in the server's response op. Raises ServiceBroken, ConfigError or ModelInvalid."""
    if captured.server is None:
        raise ServiceBroken(
            f"{package.script_name} ended without calling run_service(). Check that it runs its service when it is "
            "started as a program."
        )
    response_op = captured.server._response_op  # noqa: SLF001 - the class has no public way to it
    ops = _ordered(response_op)
    nodes = tuple(_node(op, package, captured.config, defaults) for op in ops)
    names = {node.name for node in nodes}
    unused = (
        f"op.{name}{NO_EFFECT}the service has no Op of this name."
        for name in captured.config.get("op") or {}
        if name not in names
    )
    return Graph(
        service=str(captured.server._name),  # noqa: SLF001 - the same
        nodes=nodes,
        output=str(response_op.get_input_ops()[0].name),
        response_op=response_op,
        request_op=_own_request_op(response_op),
        warnings=(*captured.warnings, *unused),
        config=captured.config,
    )


def _ordered(response_op: Any) -> list[Any]:  # noqa: ANN401 - paddle_serving_server has no types
    """The Ops between request and response, each after its inputs."""
    by_name: dict[str, Any] = {}
    for op in _reachable(response_op):
        if by_name.setdefault(op.name, op) is not op:
            raise ServiceBroken(f"two Ops of the service are called {op.name!r}. Give each Op a name of its own.")
        if op.get_jump_to_ops():
            raise ServiceBroken(f"Op {op.name!r} has jump_to_ops, which are not supported.")
        if not op.get_input_ops():
            raise ServiceBroken(f"Op {op.name!r} has no input_ops. Connect it to the request or to another Op.")
    edges = {name: [before.name for before in op.get_input_ops()] for name, op in by_name.items()}
    try:
        order = list(TopologicalSorter(edges).static_order())
    except CycleError as error:
        raise ServiceBroken(f"the Ops of the service form a circle: {' <- '.join(error.args[1])}.") from error
    if not by_name:
        raise ServiceBroken("the service has no Op between its request and its response.")
    return [by_name[name] for name in order if name in by_name]


def _reachable(response_op: Any) -> Iterator[Any]:  # noqa: ANN401 - paddle_serving_server has no types
    """Every Op that the response depends on, without the RequestOp."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only

    return (op for op in _upstream(response_op) if not isinstance(op, RequestOp))


def _own_request_op(response_op: Any) -> Any | None:  # noqa: ANN401 - as above
    """The service's RequestOp, where it unpacks requests in its own way."""
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() only

    methods = ("unpack_request_package", "proto_tensor_2_numpy")
    requests = (op for op in _upstream(response_op) if isinstance(op, RequestOp))
    own = (op for op in requests if any(getattr(type(op), name) is not getattr(RequestOp, name) for name in methods))
    return next(own, None)


def _upstream(response_op: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    seen, waiting = set(), list(response_op.get_input_ops())
    while waiting:
        op = waiting.pop()
        if id(op) in seen:
            continue
        seen.add(id(op))
        waiting.extend(op.get_input_ops())
        yield op


def _node(op: Any, package: Package, config: Mapping[str, Any], defaults: Switches) -> Node:  # noqa: ANN401 - as above
    own = (config.get("op") or {}).get(op.name) or {}
    local = own.get("local_service_conf") or {}
    path = f"op.{op.name}.local_service_conf"
    model_dir = _model_dir(package, op.model_config, f"{path}.model_config") if op.with_serving else None
    fetches = tuple(op._fetch_names or ())  # noqa: SLF001 - the class has no public way to it
    if model_dir is not None:
        known = {variable.alias for variable in prototxt.read(model_dir).fetches}
        if unknown := [name for name in fetches if name not in known]:
            raise ConfigError(f"{path}.fetch_list", f"names {unknown[0]!r}; the model has {', '.join(sorted(known))}")
    waiting, limit = op._auto_batching_timeout, op._timeout  # noqa: SLF001 - seconds; None, and -1, mean without
    return Node(
        name=op.name,
        op=op,
        inputs=tuple(before.name for before in op.get_input_ops()),
        model_dir=model_dir,
        switches=_switches(local, defaults),
        fetches=fetches,
        batch_size=op._batch_size,  # noqa: SLF001 - as above
        auto_batching_timeout_ms=None if waiting is None else waiting * 1000,
        timeout_ms=limit * 1000 if limit > 0 else None,
        # what the script says wins, as for the others; Paddle Serving then forgets what config.yml says
        retry=op._retry if op._retry > 1 else own.get("retry") or 1,  # noqa: SLF001 - as above
        kept_shapes=local.get("mkldnn_cache_capacity") or 0,
    )


def _switches(local: Mapping[str, Any], defaults: Switches) -> Switches:
    if not local:
        return defaults
    return Switches(
        ir_optim=local["ir_optim"],
        onednn=local["use_mkldnn"],
        threads=local["thread_num"],
        device=f"gpu:{local['devices']}" if local["devices"] else "cpu",
        memory_optim=local["mem_optim"],
        backend=defaults.backend,
    )


def _model_dir(package: Package, value: str, path: str) -> Path:
    """The folder that model_config names, relative to the script's directory."""
    folder = (package.root / value).resolve()
    if not folder.is_relative_to(package.root):
        raise ConfigError(path, f"is {value!r}, which is outside of the package; what is served has to be in it")
    if not folder.is_dir():
        raise ConfigError(path, f"is {value!r}, but the package has no such folder")
    return folder
