"""config.yml: overrides, defaults and checks, as a pure function of the parsed file."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from paddle_serving_runtime.graph import plain_yaml, schema
from paddle_serving_runtime.graph.devices import CPU_WORDS, UnknownDeviceError, worker_device
from paddle_serving_runtime.paddle_model.switches import Switches

Config = dict[str, Any]
CPU, GPU = 0, 1
"""Numbers of device_type."""
NO_EFFECT = " in config.yml has no effect: "
"""Between key and reason, in sentences about keys that no Op or engine reads."""


class ConfigError(Exception):
    """A value that cannot work: `path` is its key with dots."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


def resolve(raw: object, overrides: Mapping[str, str], defaults: Switches, worker: int) -> Config:
    """The configuration of worker number `worker` as Paddle Serving's classes take it; `raw` is not changed.

    Overrides win over the file, and what either sets wins over `defaults`; what none sets is left to Paddle Serving.
    Raises ConfigError for a value of a wrong type, and for devices, precisions and clients that are not served.
    """
    if not isinstance(raw, dict):
        raise ConfigError("", f"is {_shown(raw)}, must be a mapping with the key op")
    config: Config = copy.deepcopy(raw)
    for key, value in _with_device_types(overrides, config).items():
        _override(config, key, value)
    _check_types(config)
    for name, op in (config.get("op") or {}).items():
        _complete(f"op.{name}", op, defaults, worker)
    return config


def overridden(raw: object, options: Sequence[str]) -> object:
    """The parsed file with the `key=value` of --opt in their places. Raises ConfigError for what is none."""
    config = copy.deepcopy(raw)
    for option in options:
        key, equals, value = option.strip().partition("=")
        if not equals:
            raise ConfigError(option, "of --opt is not KEY=VALUE, for example op.rec.concurrency=1")
        if isinstance(config, dict):
            _override(config, key, value)
    return config


def unknown_keys(config: Config) -> tuple[str, ...]:
    """A sentence for every key that has no effect."""
    return tuple(f"{path}{NO_EFFECT}{reason}" for path, reason in _unknown(config))


def without_channels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for every key of `dag` that has no effect with the direct engine."""
    dag = config.get("dag") or {}
    return tuple(
        f"dag.{key} in config.yml has no effect with the direct engine ({_shown(dag[key])}, not {neutral[-1]})."
        for key, neutral in schema.DAG_WITHOUT_EFFECT.items()
        if dag.get(key) not in neutral
    )


def device_of(local: Mapping[str, Any], path: str, default: str, worker: int) -> str:
    """The device of an Op in worker number `worker`: "cpu" or "gpu:<n>", the devices of the Op taken in turn."""
    kind, devices = local.get("device_type", -1), local.get("devices")
    if kind not in (-1, 0, 1, None):
        name = {2: "TensorRT"}.get(kind, "this kind of device")
        raise ConfigError(f"{path}.device_type", f"is {kind}: {name} is not supported. Use 0 (CPU) or 1 (GPU)")
    if kind == 0:
        return "cpu"
    if devices is None:
        return default if kind != 1 or default != "cpu" else worker_device("0", worker)
    if kind == 1 and devices.strip().lower() in CPU_WORDS:
        raise ConfigError(f"{path}.devices", "is empty, but device_type 1 asks for a GPU; name its number")
    try:
        return worker_device(devices, worker)
    except UnknownDeviceError as error:
        raise ConfigError(f"{path}.devices", str(error)) from None


def line_of(text: str, path: str) -> int | None:
    """The line (from 1) of the key `path` in the YAML text, or of its nearest parent that is there."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for part in path.split("."):
        if not isinstance(node, yaml.MappingNode):
            break
        found = [(key, value) for key, value in node.value if key.value == part]
        if not found:
            break
        line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def parse_override(key: str, value: str) -> object:
    """The value of `key=value` in the type that the key has; unknown keys are read as YAML."""
    kind = schema.TYPES.get(key.rpartition(".")[2])
    if key.endswith(".devices"):
        return "" if value.strip().lower() in CPU_WORDS else value
    if kind is str:
        return value
    try:
        parsed = plain_yaml.parse(value)
    except yaml.YAMLError as error:
        raise ConfigError(key, f"is {_shown(value)}, which is not a value") from error
    return parsed


def _with_device_types(overrides: Mapping[str, str], config: Config) -> Mapping[str, str]:
    """The overrides, with a device_type that fits where only `devices` is given: empty is the CPU, a number a GPU.

    Without it a device_type in the file would contradict them. TensorRT, which it can ask for too, is left as it is.
    """
    completed = dict(overrides)
    for key, devices in overrides.items():
        path, _, last = key.rpartition(".")
        kind = f"{path}.device_type"
        if last != "devices" or kind in overrides:
            continue
        if devices.strip().lower() in CPU_WORDS:
            completed[kind] = str(CPU)
        elif _found(config, kind) == CPU:
            completed[kind] = str(GPU)
    return completed


def _found(config: object, key: str) -> object:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _override(config: Config, key: str, value: str) -> None:
    *parents, last = key.split(".")
    place = config
    for part in parents:
        inner = place.setdefault(part, {})
        if inner is None:
            inner = place[part] = {}
        if not isinstance(inner, dict):
            raise ConfigError(key, f"cannot be set: {part} is {_shown(inner)}, not a mapping")
        place = inner
    place[last] = parse_override(key, value)


def _levels(config: Config) -> Iterator[tuple[str, Mapping[str, type], object]]:
    yield "", schema.SERVER, config
    yield "dag.", schema.DAG, config.get("dag")
    operations = config.get("op")
    for name, op in operations.items() if isinstance(operations, dict) else ():
        yield f"op.{name}.", schema.OP, op
        yield (
            f"op.{name}.local_service_conf.",
            schema.LOCAL,
            op.get("local_service_conf") if isinstance(op, dict) else {},
        )


def _check_types(config: Config) -> None:
    for prefix, types, level in _levels(config):
        if level is None:
            continue
        if not isinstance(level, dict):
            raise ConfigError(prefix.rstrip("."), f"is {_shown(level)}, must be a mapping")
        for key, value in level.items():
            wanted = types.get(key)
            if wanted is None or value is None:
                continue
            if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
                raise ConfigError(f"{prefix}{key}", f"is {_shown(value)}, must be {schema.TYPE_NAMES[wanted]}")
            if key in schema.AT_LEAST_ONE and isinstance(value, int) and value < 1:
                raise ConfigError(f"{prefix}{key}", f"is {value}, must be at least 1")
            if isinstance(value, int) and value > (most := schema.AT_MOST.get(key, value)):
                raise ConfigError(f"{prefix}{key}", f"is {value}, must be at most {most}")


def _complete(path: str, op: Config | None, defaults: Switches, worker: int) -> None:
    """Fills in place what the file leaves open, so that the Op's own attributes say what is really used."""
    if op is None:
        raise ConfigError(path, "is empty; give it a local_service_conf")
    if op.get("server_endpoints"):
        raise ConfigError(f"{path}.server_endpoints", "names remote servers; only local_service_conf is served")
    local = op.get("local_service_conf")
    if local is None:
        local = op["local_service_conf"] = {}
    path = f"{path}.local_service_conf"
    if local.get("client_type") not in (None, "local_predictor"):
        raise ConfigError(
            f"{path}.client_type",
            f"is {local['client_type']}: the C++ server is not part of this runtime. Use local_predictor",
        )
    if (precision := local.get("precision") or defaults.precision) != "fp32":
        raise ConfigError(f"{path}.precision", f"is {precision}; only fp32 is supported")
    local["client_type"] = "local_predictor"
    device = device_of(local, path, defaults.device, worker)
    local["device_type"] = -1
    local["devices"] = device.removeprefix("gpu:") if device != "cpu" else ""
    for key, value in (
        ("ir_optim", defaults.ir_optim),
        ("use_mkldnn", defaults.onednn),
        ("thread_num", defaults.threads),
        ("mem_optim", defaults.memory_optim),
    ):
        if local.get(key) is None:
            local[key] = value


def _unknown(config: Config) -> Iterator[tuple[str, str]]:
    for prefix, types, level in _levels(config):
        if not isinstance(level, dict):
            continue
        for key, value in level.items():
            if key == "use_trt" and prefix.endswith("local_service_conf."):
                yield f"{prefix}{key}", "Paddle Serving turns TensorRT on with device_type 2 only."
            elif key not in types:
                yield f"{prefix}{key}", "Paddle Serving does not know this key."
            elif key == "fetch_list" and not prefix.endswith("local_service_conf."):
                yield f"{prefix}{key}", "Paddle Serving reads it from local_service_conf only."
            elif key == "mkldnn_cache_capacity" and value and level.get("use_mkldnn") is False:
                yield f"{prefix}{key}", "use_mkldnn is false, and nothing else keeps shapes."
            elif prefix.startswith("op.") and value not in (neutral := schema.WITHOUT_EFFECT.get(key, (value,))):
                yield f"{prefix}{key}", f"this runtime does not support it ({_shown(value)}, not {neutral[-1]})."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - long enough to find it in the file
