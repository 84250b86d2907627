import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typing_extensions import override

from benchmarks import clients
from benchmarks.models import Model, picture
from benchmarks.peers import beside, catalogue, environments, forms, table
from benchmarks.peers.catalogue import Peer
from benchmarks.results import Results
from benchmarks.servers import Server, ServerError

X = np.array([[1.5, -2.25, 0.1]], dtype=np.float32)
Y = np.array([[0.25, 0.75]], dtype=np.float32)
MACHINE = {"cpus": 2, "processor": "p", "kernel": "k", "paddle": "3.3.1", "python": "3.11", "commit": "abc"}


def model() -> Model:
    nowhere = Path("nowhere")
    return Model("cls", "cls", nowhere, nowhere, nowhere, {"x": X}, {"x": X}, ())


def bench() -> beside.Bench:
    return beside.Bench(model(), model(), {"y": Y})


def served(server: str, form: str, like: str, rate: float, **more: object) -> dict[str, Any]:
    return {
        "kind": "server",
        "peer": "LitServe",
        "server": server,
        "turn": 0,
        "form": form,
        "like": like,
        "connections": 16,
        "answer": "exact",
        "requests_per_second": rate,
        "p50_ms": 1000 / rate,
        "cpu_ms": 500 / rate,
        "errors": 0,
        **more,
    }


def raw_rows() -> list[dict[str, Any]]:
    alone = {"kind": "engine", "model": "cls", "turn": 0, "errors": 0, "p50_ms": 2.5}
    return [
        served("direct engine", "JSON", "JSON", 100),
        served("LitServe", "JSON", "JSON", 50, start_seconds=38.0, installed_mb=825, answer="within 1.0e-07"),
        served("direct engine", "JSON", "JSON", 400, turn=1),
        served("LitServe", "JSON", "JSON", 100, turn=1, start_seconds=40.0, installed_mb=825, answer="exact"),
        {**alone, "engine": "OpenVINO", "processes": 1, "requests_per_second": 400, "cpu_ms": 1.1, "difference": 2e-7},
        {**alone, "engine": "Paddle", "processes": 1, "requests_per_second": 200, "cpu_ms": 4.4, "difference": 0.0},
        {"kind": "server", "server": "KServe, 2 workers", "turn": 0, "failed": "it did not come up"},
        {"kind": "server", "server": "KServe, 2 workers", "turn": 1, "failed": "it did not come up"},
    ]


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Server("fake", (), (server.server_port, 0), None, ("JSON",))
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        (forms.FLAT, lambda body: json.loads(body)["data"]),
        (forms.NESTED, lambda body: json.loads(body)["x"][0]),
        (forms.OIP_JSON, lambda body: json.loads(body)["inputs"][0]["data"]),
        (forms.JSON, lambda body: json.loads(body)["tensors"][0]["float_data"]),
        (forms.BYTES, lambda body: np.frombuffer(body, dtype=np.float32)),
    ],
)
def test_every_form_carries_the_same_bits(form: forms.Form, numbers: Callable[[bytes], object]) -> None:
    request = form.build("cls", {"x": X})
    assert np.asarray(numbers(request.body), dtype=np.float32).tobytes() == X.tobytes()


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (forms.FLAT, {"shape": [1, 2], "data": [0.25, 0.75]}),
        (forms.NESTED, [[0.25, 0.75]]),
        (forms.OIP_JSON, {"outputs": [{"name": "y", "shape": [1, 2], "data": [0.25, 0.75]}]}),
        (forms.PICTURE, {"key": ["scores"], "value": ["[0.25, 0.75]"]}),
        (forms.PADDLEX, {"result": {"categories": [{"id": 1, "name": "180", "score": 0.75}]}}),
    ],
)
def test_every_form_is_read_as_what_paddle_inference_answers(form: forms.Form, body: object) -> None:
    inputs = {"image": "a picture"} if form.name == forms.PICTURE.name else {"x": X}
    with answering(json.dumps(body).encode()) as server:
        assert beside.check(form, server, replace(model(), inputs=inputs), {"y": Y}) == "exact"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"shape": [1, 2], "data": [0.25, 0.5]}', 200, r"\[0.25 0.5 \] instead of \[0.25 0.75\]"),
        (b"no memory", 500, "500 .*no memory"),
        (b'{"detail": "what?"}', 200, "KeyError .*what"),
    ],
)
def test_a_wrong_answer_a_refusal_and_another_form_are_said(body: bytes, status: int, said: str) -> None:
    with answering(body, status) as server, pytest.raises(clients.WrongAnswerError, match=said):
        beside.check(forms.FLAT, server, model(), {"y": Y})


def test_the_picture_is_the_one_behind_the_tensor() -> None:
    file = io.BytesIO(base64.b64decode(forms.png(picture())))
    pixels = np.asarray(Image.open(file), dtype=np.float32).transpose(2, 0, 1)[np.newaxis]
    assert ((pixels / np.float32(255) - np.float32(0.5)) / np.float32(0.5)).tobytes() == picture().tobytes()


def test_every_peer_has_its_files_and_every_package_its_one_version(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for peer in catalogue.peers(tmp_path / "files", 2, tmp_path):
        assert peer.environment is not None
        wanted = (environments.ADAPTERS / peer.environment / "requirements.txt").read_text().splitlines()
        loose = [line for line in wanted if not re.fullmatch(r"#.*|[a-z0-9-]+(\[.*\])?==\S+", line)]
        assert loose == []
        given = [word for word in peer.command if word.startswith(str(environments.ADAPTERS))]
        assert [word for word in given if not Path(word).exists()] == []
        assert peer.takes


def test_other_requirements_are_another_environment() -> None:
    one, other = (environments.place("kserve", content) for content in (b"kserve==0.21.0", b"kserve==0.22.0"))
    assert one != other
    assert one == environments.place("kserve", b"kserve==0.21.0")


def test_a_peer_that_cannot_be_installed_is_a_row_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # not below this checkout, whose pyproject.toml uv would obey
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "no such wheel, said in $(basename "${PWD%/*}")" >&2\nexit 1\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("PADDLE_SERVING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("benchmarks.results.WORK", tmp_path)
    results = Results("peers", {}, tmp_path / "peers.json", fresh=True)
    peer = Peer("LitServe", "litserve", ("python",), {}, (forms.FLAT,))
    beside.measure_pair(peer, 0, bench(), beside.Plan(1, 2, (1, 16), 1.0, tmp_path), results)
    (row,) = results.failures
    assert (row["server"], row["failed"]) == ("LitServe", "uv venv failed: no such wheel, said in cache")
    assert results.rows == {}


def test_a_peer_that_ends_as_it_starts_says_why(tmp_path: Path) -> None:
    program = "import sys; sys.exit('Error: this port is taken')"
    peer = Peer("LitServe", None, ("/usr/bin/env", "python3", "-c", program), {}, (forms.FLAT,))
    plan = beside.Plan(1, 2, (1, 16), 30.0, tmp_path)
    with pytest.raises(ServerError) as failed, beside._running(peer, None, model(), plan):
        raise AssertionError("it did not start")
    assert beside.reason(str(failed.value)) == "LitServe did not come up: Error: this port is taken"


def test_a_reason_names_no_folder_of_this_machine() -> None:
    log = (
        "KServe did not come up: no answer\nstarting\n"
        f"ImportError: {environments.cache()}/x/lib.so: no such file\nsee errors.dev"
    )
    assert beside.reason(log) == "KServe did not come up: ImportError: x/lib.so: no such file"
    assert beside.reason("uv venv failed: no such wheel") == "uv venv failed: no such wheel"


def test_ratios_are_of_the_two_of_a_pair() -> None:
    rows = raw_rows()[:4]
    assert table.ratios(rows, rows, "requests_per_second", 16) == [2.0, 4.0]
    text = table.servers(rows)
    assert "| direct engine, JSON | 250 (6.25) | 3.12 | - | - | exact |" in text
    assert "| LitServe, JSON | 75 (15) | 7.5 | 3.00 | 0.38 | within 1.0e-07 |" in text


def test_what_gave_no_figures_stands_there_once_with_its_reason() -> None:
    text = table.table({"machine": {**MACHINE, "load_average": 9.5}, "rows": raw_rows()})
    assert text.count("| KServe, 2 workers | it did not come up |") == 1
    assert "| LitServe | 825 | 39.0 |" in text
    assert "| cls, Paddle | 200 (2.5) | 4.4 | same bits |" in text
    assert "| cls, OpenVINO | 400 (2.5) | 1.1 | 2e-07 |" in text
    assert text.endswith("Load average of the machine at the end: 9.5.")


def test_flags_of_this_projects_server_are_on_its_command_line_and_in_the_page() -> None:
    flags = ("--backend", "OpenVINO")
    assert catalogue.product(model(), 2, flags).command[-2:] == flags
    raw = {"machine": MACHINE, "settings": {"serve": list(flags)}, "rows": []}
    assert table.table(raw) == "This project's server was started with `--backend OpenVINO`."
    assert table.table({**raw, "settings": {"serve": []}}) == ""


def test_requests_without_an_answer_are_wrong_answers() -> None:
    with pytest.raises(clients.WrongAnswerError, match="JSON"):
        beside.check(forms.FLAT, Server("gone", (), (9, 9), None, ()), model(), {"y": Y})
