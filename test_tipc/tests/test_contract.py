"""The original's contract, with commands that record how they are called: argv, folders, status lines, names of logs.

What is expected is written down from the description of the original harness, not computed by the one under test.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import CLIENT, CONVERTER, SERVER, answer, says
from first_configs import ALEXNET, OCR_MATRIX

from tipc import __main__ as program
from tipc import devices
from tipc.ports import free_port

RECORDER = """#!{python} -I
import json, os, sys
program, *arguments = sys.argv
if arguments == ["--version"]:
    sys.exit()
with open("{recorded}", "a") as record:
    record.write(json.dumps([os.path.relpath(os.getcwd(), "{root}"), os.path.basename(program), *arguments]) + "\\n")
os.execv("{python}", ["{python}", *arguments])
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a repository whose interpreters record their arguments."""
    says(monkeypatch, {"class_id": np.array([8]), "prob": np.array([0.99903536])})
    monkeypatch.setattr(devices, "gpu_missing", lambda _python: "")
    root, tools = tmp_path / "repository", tmp_path / "bin"
    for folder in (root / "paddle_serving_client", tools):
        folder.mkdir(parents=True)
    for name in ("python3", "python3.7"):
        recorded = tmp_path / "recorded"
        (tools / name).write_text(RECORDER.format(python=sys.executable, recorded=recorded, root=root))
        (tools / name).chmod(0o755)
    (root / "paddle_serving_client/__init__.py").touch()
    (root / "paddle_serving_client/convert.py").write_text(CONVERTER)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(root)
    return root


def make(root: Path, service: str, model: str, image: str, scripts: list[str]) -> None:
    for folder in (root / service, root / model, (root / service / image).resolve().parent):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("inference.pdmodel", "inference.pdiparams"):
        (root / model / name).touch()
    (root / service / image).touch()
    for name in scripts:
        (root / service / name).write_text(CLIENT if "client" in name else SERVER)
    (root / service / "config.yml").write_text(f"http_port: {free_port()}\n")
    (root / service / "behaviour.json").write_text(json.dumps({"answer": answer()}))


def run(root: Path, config: str) -> tuple[list[Any], list[bytes]]:
    """What was called, in order, and the status lines of clients, as bytes."""
    (root / "config.txt").write_text(config)
    assert program.main(["config.txt"]) == 0
    recorded = (root.parent / "recorded").read_text().splitlines()
    lines = (root / "test_tipc/output/results_serving.log").read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in recorded], [line for line in lines if b"_client.py" in line]


def names(root: Path) -> set[str]:
    return {path.name for path in (root / "test_tipc/output").glob("server_infer_*.log")}


def test_alexnet_is_called_as_the_original_calls_it(root: Path) -> None:
    scripts = ["web_service.py", "pipeline_http_client.py"]
    make(root, "deploy/serving", "alexnet_infer", "../../images/demo.jpg", scripts)
    called, status = run(root, ALEXNET)
    serving = "deploy/serving"
    assert called == [
        [
            ".",
            "python3.7",
            "-m",
            "paddle_serving_client.convert",
            "--dirname=./alexnet_infer/",
            "--model_filename=inference.pdmodel",
            "--params_filename=inference.pdiparams",
            "--serving_server=./deploy/serving/alexnet_server",
            "--serving_client=./deploy/serving/alexnet_client",
        ],
        [serving, "python3.7", "web_service.py", "op.alexnet.local_service_conf.devices=0"],
        [serving, "python3.7", "pipeline_http_client.py", "--img-path=../../images/demo.jpg"],
    ]
    log = "server_infer_gpu_pipeline_http_usetrt_null_precision_null_batchsize_1.log"
    command = f"python3.7 pipeline_http_client.py --img-path=../../images/demo.jpg> ../../test_tipc/output/{log} 2>&1"
    assert status == [f"\x1b[33m Run successfully with command - {command}!  \x1b[0m\n".encode()]
    assert names(root) == {log}


def test_the_ocr_matrix_is_called_as_the_original_calls_it(root: Path) -> None:
    clients = ["pipeline_rpc_client.py", "pipeline_http_client.py"]
    make(root, "deploy/pdserving", "inference/det", "../../doc/imgs", ["web_service_det.py", *clients])
    called, status = run(root, OCR_MATRIX)
    fixed = ["web_service_det.py", "--config=config.yml", "--opt", "op.det.concurrency=1"]
    conf = "op.det.local_service_conf"
    starts = [
        (f"cpu_{{}}_usemkldnn_{mkldnn}_threads_{threads}", ["null", f"use_mkldnn={mkldnn}", f"thread_num={threads}"])
        for mkldnn, threads in (("True", "1"), ("True", "6"), ("False", "1"), ("False", "6"))
    ] + [
        (f"gpu_{{}}_usetrt_{trt}_precision_{precision}", ["0", f"use_trt={trt}", f"precision={precision}"])
        for trt, precision in (("False", "fp32"), ("True", "fp32"), ("True", "fp16"), ("True", "int8"))
    ]
    expected, lines, logs = [], [], []
    for label, (device, *switches) in starts:
        arguments = [f"{conf}.devices={device}", *[f"{conf}.{switch}" for switch in switches]]
        expected.append(["deploy/pdserving", "python3", *fixed, *arguments])
        for client in ("pipeline_rpc", "pipeline_http"):
            words = [f"{client}_client.py", "--image_dir=../../doc/imgs"]
            expected.append(["deploy/pdserving", "python3", *words])
            logs.append(f"server_infer_{label.format(client)}_batchsize_1.log")
            before, after = (" ", " ") if device == "null" else ("", "")
            command = f"python3 {' '.join(words)}{before}> ../../test_tipc/output/{logs[-1]} 2>&1{after}"
            lines.append(f"\x1b[33m Run successfully with command - {command}!  \x1b[0m\n".encode())
    assert called[1:] == expected
    assert called[0][:4] == [".", "python3", "-m", "paddle_serving_client.convert"]
    assert status == lines
    assert names(root) == set(logs)
    assert len(logs) == 16
