import os
from pathlib import Path

from tipc.plain_service import HOOK, serve_arguments, without_hook


def test_arguments_of_web_service_become_overrides(tmp_path: Path) -> None:
    argv = ["--config=config.yml", "op.a.devices=null", "op.a.use_mkldnn=True", "op.a.use_trt=True"]
    arguments = serve_arguments("alexnet", 18080, argv, {"TIPC_ADMIN_PORT": "5"}, tmp_path)
    assert arguments[arguments.index("--overrides") + 1 :] == [
        "op.a.devices=",
        "op.a.use_mkldnn=True",
        "op.a.device_type=2",
    ]
    assert arguments[arguments.index("--http-port") + 1] == "18080"
    assert arguments[arguments.index("--admin-port") + 1] == "5"
    assert arguments[arguments.index("--name") + 1] == "alexnet"


def test_golden_samples_of_the_service_stay_required(tmp_path: Path) -> None:
    assert "--consistency-required" in serve_arguments("a", 1, [], {}, tmp_path)
    (tmp_path / "golden").mkdir()
    assert "--consistency-required" not in serve_arguments("a", 1, [], {}, tmp_path)


def test_the_runtime_starts_without_the_hook() -> None:
    hook = os.pathsep.join(("/hook", "/harness"))
    kept = without_hook({"PYTHONPATH": os.pathsep.join((hook, "/mine")), HOOK: hook, "HOME": "/h"})
    assert (kept["PYTHONPATH"], kept["HOME"]) == ("/mine", "/h")
