"""No secret that a user names or writes is in what the operator says: status, events, log, page, plugin, reports."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
import yaml

from e2e.ports import free_ports
from paddle_serving_operator.constants import ANNOTATION_VERB, CONFIG_MAP, DEPLOYMENT, EVENT, PADDLE_SERVICE, Kind

from .control_plane import CRD, Object
from .gate import Gate
from .plugin import Plugin
from .world import World, digest, spec

pytestmark = pytest.mark.integration

SECRET = Kind("v1", "Secret", "secrets")
MARK = "planted0where0nobody0may0look"
"""Begins the content of every Secret, and whatever else may not be told."""

SECRETS = {
    "registry": (".dockerconfigjson", "kubernetes.io/dockerconfigjson"),
    "store": ("AWS_SECRET_ACCESS_KEY", "Opaque"),
    "server": ("HTTP_TOKEN", "Opaque"),
    "report-key": ("ed25519.pem", "Opaque"),
    "certificate": ("tls.key", "kubernetes.io/tls"),
    "keys": ("api-keys", "Opaque"),
}
NAMES_ONE = {"credentialsSecret", "imagePullSecrets", "signingKeySecret", "tlsSecret", "apiKeySecret"}
"""The fields of the definition that name a Secret; each one is in `planted`."""

COMMANDS = (("get",), ("get", "-o", "wide"), ("describe", "ocr"), ("history", "ocr"))
"""`diff` shows to whoever may read the PaddleService what is in it."""


def plant(world: World) -> None:
    """A Secret for every field that names one."""
    for name, (key, kind) in SECRETS.items():
        content = f"{MARK}-{name}"
        data = {key: json.dumps({"auths": {content: {}}}) if name == "registry" else content}
        rest = {"tls.crt": content} if kind == "kubernetes.io/tls" else {}
        world.post(SECRET, {"metadata": {"name": name}, "type": kind, "stringData": data | rest})


def planted(letter: str, source: Mapping[str, Any]) -> Object:
    """A spec that names them all, with passwords where people write them, another for every letter."""
    return spec(
        letter,
        model={"digest": digest(letter), "source": source},
        consistency={"signingKeySecret": "report-key"},
        security={"tlsSecret": "certificate", "apiKeySecret": "keys"},
        pod={
            "env": [{"name": "PASSWORD", "value": f"{MARK}-env-{letter}"}],
            "imagePullSecrets": [{"name": "registry"}],
            "annotations": {"example.com/token": f"{MARK}-annotation-{letter}"},
        },
    )


def fields(schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of all fields below a schema."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from fields(inner)
    if "items" in schema:
        yield from fields(schema["items"])


def pages(url: str) -> dict[str, str]:
    """Every page that the first one leads to."""
    found: dict[str, str] = {}
    waiting = [f"{url}/"]
    while waiting:
        page = waiting.pop()
        if page not in found and page.startswith(url):
            found[page] = requests.get(page, timeout=60).text
            waiting += [urljoin(page, link.partition("#")[0]) for link in re.findall(r'href="([^"]+)"', found[page])]
    return found


def test_every_field_that_names_a_secret_is_planted() -> None:
    schema = yaml.safe_load(CRD.read_text(encoding="utf-8"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert {name for name in fields(schema["properties"]["spec"]) if "secret" in name.lower()} == NAMES_ONE
    both = json.dumps([planted("a", {}), {"credentialsSecret": "store"}])
    assert all(f'"{name}"' in both for name in NAMES_ONE)


def test_nothing_that_the_operator_says_has_a_secret_in_it(
    world: World, gate: Gate, plugin: Plugin, tmp_path: Path
) -> None:
    plant(world)
    world.kubelet |= {digest("a"): "ready", digest("b"): "NotConsistent: hello.json differs"}
    page = f"http://127.0.0.1:{free_ports(1)[0]}"
    folder = tmp_path / "process"
    settings = {"PAGE_ENDPOINT": page, "LOG_LEVEL": "DEBUG"}
    with world.operator(folder, kubeconfig=gate.kubeconfig(tmp_path / "kubeconfig"), settings=settings):
        url = f"https://store.example/a.tgz?signature={MARK}-url"
        world.create("ocr", planted("a", {"http": {"url": url, "credentialsSecret": "server"}}))
        world.healthy("ocr")
        s3 = {"uri": "s3://models/b", "credentialsSecret": "store"}
        world.change("ocr", **planted("b", {"http": None, "s3": s3}))
        world.until("it has failed", lambda: world.status("ocr").get("phase") == "Failed")
        order = {"metadata": {"annotations": {ANNOTATION_VERB: "retry t1"}}}
        world.patch(PADDLE_SERVICE, "ocr", order)
        world.until("the order is heard", lambda: "retry" in json.dumps(world.every(EVENT)))
        told = {
            "status": json.dumps(world.status("ocr")),
            "events": json.dumps(world.every(EVENT)),
            "reports": json.dumps([item.get("data") for item in world.every(CONFIG_MAP)]),
            **{f"page {name}": text for name, text in pages(page).items()},
            **{f"kubectl paddle {' '.join(words)}": plugin.run(*words) for words in COMMANDS},
        }
    told["log"] = "".join(file.read_text() for file in folder.glob("operator-*.log"))
    assert [name for name, text in told.items() if MARK in text] == []
    assert [request.path for request in gate.requests if f"/{SECRET.plural}" in request.path] == []
    # the search finds what is there: what runs has it
    assert f"{MARK}-env-a" in json.dumps(world.every(DEPLOYMENT))
    assert len(told) > len(COMMANDS) + 5
