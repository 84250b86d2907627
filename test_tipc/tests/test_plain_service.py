import json
import os
import socket
from pathlib import Path

import pytest

from tipc import hook
from tipc.plain_service import PORTS_FILE, serve, serve_arguments
from tipc.ports import free_port


def test_arguments_of_web_service_become_overrides(tmp_path: Path) -> None:
    argv = ["det.py", "--config=config.yml", "--x=a b", "op.a.devices=", "op.a.use_mkldnn=True", "op.a.use_trt=True"]
    arguments = serve_arguments("alexnet", (18080, 9993), argv, {"TIPC_ADMIN_PORT": "5"}, tmp_path)
    assert arguments[arguments.index("--overrides") + 1 :] == [
        "op.a.devices=",
        "op.a.use_mkldnn=True",
        "op.a.device_type=2",
    ]
    words = "det.py --config=config.yml '--x=a b' op.a.devices= op.a.use_mkldnn=True op.a.use_trt=True"
    assert f"--script={words}" in arguments
    assert arguments[arguments.index("--http-port") + 1] == "18080"
    assert arguments[arguments.index("--grpc-port") + 1] == "9993"
    assert arguments[arguments.index("--admin-port") + 1] == "5"
    assert arguments[arguments.index("--name") + 1] == "alexnet"


def test_golden_samples_of_the_service_stay_required(tmp_path: Path) -> None:
    assert "--consistency-required" in serve_arguments("a", (1, 2), ["w.py"], {}, tmp_path)
    (tmp_path / "golden").mkdir()
    assert "--consistency-required" not in serve_arguments("a", (1, 2), ["w.py"], {}, tmp_path)


def test_the_runtime_starts_without_the_hook() -> None:
    base = {"PYTHONPATH": "/mine", "HOME": "/h"}
    hooked = hook.installed(base)
    assert hooked["PYTHONPATH"].endswith(os.pathsep + "/mine")
    assert hooked["PYTHONPATH"] != "/mine"
    kept = hook.removed(hooked)
    assert (kept["PYTHONPATH"], kept["HOME"]) == ("/mine", "/h")


@pytest.mark.parametrize(("http_port", "rpc_port"), [(True, True), (False, True), (True, False)])
def test_the_service_listens_where_its_configuration_says_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    http_port: bool,  # noqa: FBT001 - a case
    rpc_port: bool,  # noqa: FBT001
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _program, command, _environment: started.append(command))
    monkeypatch.setenv(PORTS_FILE, str(tmp_path / "ports.json"))
    named = {key: free_port() for key, has in (("http_port", http_port), ("rpc_port", rpc_port)) if has}
    serve("m", {**named, "op": {}}, ["web_service.py"])
    (command,) = started
    for key, flag in (("http_port", "--http-port"), ("rpc_port", "--grpc-port")):
        chosen = int(command[command.index(flag) + 1])
        assert chosen == named.get(key, chosen)
        assert json.loads((tmp_path / "ports.json").read_text())[key] == named.get(key)


def test_a_service_that_listens_nowhere_or_on_a_port_of_another_ends_in_a_sentence() -> None:
    with pytest.raises(SystemExit, match="no http_port and no rpc_port"):
        serve("m", {"op": {}}, ["web_service.py"])
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"port {port} is in use by another process"):
            serve("m", {"rpc_port": port}, ["web_service.py"])
