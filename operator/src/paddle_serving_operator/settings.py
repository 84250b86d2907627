"""What the operator is told at its start: environment variables and the file of runtime profiles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import yaml

from paddle_serving_operator.quantity import parse_quantity

DEFAULT_PROFILES_FILE = "/etc/paddle-serving/profiles.yaml"
DEFAULT_WORKERS = 4
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
PROFILE_KEYS = {
    "image",
    "imagePullPolicy",
    "resources",
    "fetch",
    "env",
    "runtimeClassName",
    "nodeSelector",
    "tolerations",
}
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
IMAGE_VOLUMES = ("Auto", "Never")


class SettingsError(Exception):
    """The operator cannot start with these settings; the text says which one, why and what to do."""


class ModelCache(NamedTuple):
    """Where fetched packages are kept for the next pod: a claim or else a folder of the node, and how many bytes."""

    claim: str
    host_path: str
    limit: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A runtime that a PaddleService may name: image, resources and node constraints of its serving container.

    `limits` always has cpu and memory. `fetch_limits` and `fetch_requests` are those of the container that fetches,
    where they differ, `cache` is where it keeps packages. `image_volumes`: a model image is mounted instead of copied,
    where the cluster can. `env` are pairs of name and value. `tolerations` are as in a pod.
    """

    image: str
    image_pull_policy: str
    limits: Mapping[str, str]
    requests: Mapping[str, str]
    fetch_limits: Mapping[str, str] = field(default_factory=dict)
    fetch_requests: Mapping[str, str] = field(default_factory=dict)
    cache: ModelCache | None = None
    image_volumes: bool = False
    env: tuple[tuple[str, str], ...] = ()
    runtime_class_name: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()


class Endpoint(NamedTuple):
    """An address of this host, and a port of it; port 0 is any that is free."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the operator is told. `namespaces` empty means the whole cluster; `workers` are threads.

    `page` is where the page for people is served, None for nowhere.
    """

    profiles: Mapping[str, Profile]
    namespaces: tuple[str, ...]
    workers: int
    log_level: str
    page: Endpoint | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Reads PROFILES_FILE, WATCH_NAMESPACES, WORKERS, LOG_LEVEL and PAGE_ENDPOINT. Raises SettingsError."""
        path = Path(env.get("PROFILES_FILE") or DEFAULT_PROFILES_FILE)
        level = (env.get("LOG_LEVEL") or "INFO").upper()
        if level not in LOG_LEVELS:
            raise SettingsError(f"LOG_LEVEL is {level!r}. Use one of {', '.join(LOG_LEVELS)}.")
        return cls(
            profiles=read_profiles(path),
            namespaces=tuple(name.strip() for name in env.get("WATCH_NAMESPACES", "").split(",") if name.strip()),
            workers=_workers(env.get("WORKERS") or str(DEFAULT_WORKERS)),
            log_level=level,
            page=_endpoint(env.get("PAGE_ENDPOINT") or ""),
        )


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:  # noqa: PLR2004 - more threads than connections help nobody
        raise SettingsError(f"WORKERS is {text!r}. Use a whole number from 1 to 64; {DEFAULT_WORKERS} serve hundreds.")
    return int(text)


def _endpoint(text: str) -> Endpoint | None:
    if not text:
        return None
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme != "http" or not url.hostname or port is None or url.path.strip("/") or url.query:
        raise SettingsError(f"PAGE_ENDPOINT is {text!r}. Use an address and a port, such as http://0.0.0.0:8090.")
    return Endpoint(url.hostname, port)


def read_profiles(path: Path) -> Mapping[str, Profile]:
    """The runtime profiles of a YAML file, by name; at least one. Raises SettingsError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: the runtime profiles cannot be read ({error.strerror}). "
            "Mount the chart's ConfigMap there or set PROFILES_FILE."
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not YAML: {error}. Check the chart's value `runtimes`.") from error
    if not isinstance(content, Mapping) or not content:
        raise SettingsError(
            f"{path}: no runtime profile. Give at least one, for example cpu: {{image: ..., resources: ...}}."
        )
    return {str(name): _profile(f"{path}: {name}", value) for name, value in content.items()}


def _profile(where: str, raw: object) -> Profile:
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{where} is not a mapping. A profile has image and resources.")
    if unknown := sorted(set(raw) - PROFILE_KEYS):
        raise SettingsError(f"{where}.{unknown[0]} is unknown. A profile has {', '.join(sorted(PROFILE_KEYS))}.")
    image, policy = raw.get("image"), raw.get("imagePullPolicy", "IfNotPresent")
    if not isinstance(image, str) or not image:
        raise SettingsError(f"{where}.image is missing. Give the runtime image of this profile.")
    if policy not in PULL_POLICIES:
        raise SettingsError(f"{where}.imagePullPolicy is {policy!r}. Use one of {', '.join(PULL_POLICIES)}.")
    resources = _mapping(f"{where}.resources", raw.get("resources"))
    limits = _limits(f"{where}.resources.limits", resources.get("limits"))
    if missing := [name for name in ("cpu", "memory") if name not in limits]:
        raise SettingsError(
            f"{where}.resources.limits.{missing[0]} is missing. A model server without limits can take a node down; "
            "give cpu and memory limits."
        )
    return Profile(
        image=image,
        image_pull_policy=str(policy),
        limits=limits,
        requests=_quantities(f"{where}.resources.requests", resources.get("requests")),
        **_fetch(where, raw),
        env=tuple(
            _variable(f"{where}.env[{index}]", item)
            for index, item in enumerate(_items(f"{where}.env", raw.get("env")))
        ),
        runtime_class_name=raw.get("runtimeClassName") or None,
        node_selector={
            str(key): str(value) for key, value in _mapping(f"{where}.nodeSelector", raw.get("nodeSelector")).items()
        },
        tolerations=tuple(
            _mapping(f"{where}.tolerations", item) for item in _items(f"{where}.tolerations", raw.get("tolerations"))
        ),
    )


def _fetch(where: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Profile that are about how a package comes into the pod."""
    fetch = _known(f"{where}.fetch", raw.get("fetch"), {"resources", "cache", "imageVolumes"})
    resources = _known(f"{where}.fetch.resources", fetch.get("resources"), {"limits", "requests"})
    mounting = fetch.get("imageVolumes", "Never")
    if mounting not in IMAGE_VOLUMES:
        raise SettingsError(f"{where}.fetch.imageVolumes is {mounting!r}. Use one of {', '.join(IMAGE_VOLUMES)}.")
    return {
        "fetch_limits": _limits(f"{where}.fetch.resources.limits", resources.get("limits")),
        "fetch_requests": _quantities(f"{where}.fetch.resources.requests", resources.get("requests")),
        "cache": _cache(f"{where}.fetch.cache", fetch.get("cache")),
        "image_volumes": mounting == "Auto",
    }


def _cache(where: str, raw: object) -> ModelCache | None:
    cache = _known(where, raw, {"persistentVolumeClaim", "hostPath", "limit"})
    claim, host_path = str(cache.get("persistentVolumeClaim") or ""), str(cache.get("hostPath") or "")
    if not claim and not host_path:
        return None
    if claim and host_path:
        raise SettingsError(f"{where} has a persistentVolumeClaim and a hostPath. Give one of them.")
    if host_path and not host_path.startswith("/"):
        raise SettingsError(f"{where}.hostPath is {host_path!r}. Give an absolute path of the nodes.")
    limit = parse_quantity(str(cache.get("limit")))
    if limit is None or limit < 1:
        raise SettingsError(f"{where}.limit is {cache.get('limit')!r}. Say how large it may become, such as 50Gi.")
    return ModelCache(claim, host_path, int(limit))


def _known(where: str, raw: object, keys: Collection[str]) -> Mapping[str, Any]:
    found = _mapping(where, raw)
    if unknown := sorted(set(found) - set(keys)):
        raise SettingsError(f"{where}.{unknown[0]} is unknown. It has {', '.join(sorted(keys))}.")
    return found


def _mapping(where: str, raw: object) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{where} is not a mapping.")
    return raw


def _items(where: str, raw: object) -> Sequence[object]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise SettingsError(f"{where} is not a list.")
    return raw


def _quantities(where: str, raw: object) -> Mapping[str, str]:
    quantities = _mapping(where, raw)
    for name, value in quantities.items():
        amount = None if isinstance(value, bool) else parse_quantity(str(value))
        if amount is None or amount < 0:
            raise SettingsError(f'{where}.{name} is {value!r}. Give a quantity such as "2" or 2Gi.')
    return {str(name): str(value) for name, value in quantities.items()}


def _limits(where: str, raw: object) -> Mapping[str, str]:
    limits = _quantities(where, raw)
    for name, value in limits.items():
        if parse_quantity(value) == 0:  # Kubernetes takes 0 for no limit at all
            raise SettingsError(f"{where}.{name} is {value!r}, which is no limit. Give more than 0.")
    return limits


def _variable(where: str, raw: object) -> tuple[str, str]:
    variable = _mapping(where, raw)
    if not isinstance(variable.get("name"), str) or set(variable) - {"name", "value"}:
        raise SettingsError(f"{where} needs name and value, nothing else.")
    return variable["name"], str(variable.get("value", ""))
