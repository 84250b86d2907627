import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from paddle_serving_runtime.front import FrontSettings, render
from paddle_serving_runtime.front.refusals import refusal_files

EXPECTED = Path(__file__).parent / "expected" / "haproxy.cfg"
LIMIT = 64 * 1024 * 1024


def settings(folder: Path, workers: int = 2, grpc_port: int = 9000) -> FrontSettings:
    return FrontSettings(
        port=8080,
        grpc_port=grpc_port,
        workers=tuple(folder / f"w{index}.sock" for index in range(workers)),
        control=folder / "control.sock",
        control_grpc=folder / "control-grpc.sock",
        streams=folder / "streams.sock",
        grpc=folder / "front-grpc.sock",
        admin_socket=folder / "front.sock",
        error_folder=folder / "errors",
        queue=128,
        request_timeout=60.0,
        max_body_bytes=LIMIT,
    )


def test_the_configuration_is_the_expected_one() -> None:
    assert render(settings(Path("/run/serving"))) == EXPECTED.read_text()


def test_a_pod_that_asks_others_refuses_what_it_has_asked_itself() -> None:
    text = render(replace(settings(Path("/run/serving")), pod="pod-1"))
    (added,) = set(text.splitlines()) - set(EXPECTED.read_text().splitlines())
    assert added.startswith("    http-request return status 508 ")
    assert added.endswith(" if { req.hdr(x-drift-from) -m str pod-1 }")


def test_workers_that_share_runs_get_as_many_requests_as_there_are_for_each_and_no_more_than_a_run_takes() -> None:
    text = render(replace(settings(Path("/run/serving")), rows=16))
    changed = set(text.splitlines()) - set(EXPECTED.read_text().splitlines())
    assert {"    fullconn 32", "    maxconn 928", "    tune.buffers.limit 576"} < changed
    (limits,) = (line for line in changed if line.startswith("    default-server "))
    assert limits.startswith("    default-server minconn 1 maxconn 16 check ")
    assert len(changed) == 4


@pytest.mark.parametrize(("workers", "grpc_port", "rows"), [(1, 9000, 1), (64, 9000, 1), (1, 0, 1), (64, 9000, 64)])
def test_haproxy_accepts_the_configuration_without_a_warning(
    tmp_path: Path, workers: int, grpc_port: int, rows: int
) -> None:
    front = replace(settings(tmp_path, workers, grpc_port), pod="pod-1", rows=rows)
    front.error_folder.mkdir()
    for name, content in refusal_files(LIMIT).items():
        (front.error_folder / name).write_bytes(content)
    path = tmp_path / "haproxy.cfg"
    path.write_text(render(front))
    try:
        done = subprocess.run(["haproxy", "-c", "-V", "-f", str(path)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.fail("haproxy is not installed: run `make setup`, or apt-get install haproxy")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert ("frontend grpc" in path.read_text()) == bool(grpc_port)


def test_every_error_file_of_http_has_the_body_of_a_pipeline_response() -> None:
    for name, content in refusal_files(LIMIT).items():
        code, _, suffix = name.partition(".")
        if suffix != "http" or not code.isdecimal():
            continue
        head, body = content.split(b"\r\n\r\n", 1)
        message = json.loads(body)
        assert list(message) == ["err_no", "err_msg", "key", "value", "tensors"]
        assert message["err_no"] != 0
        assert f"content-length: {len(body)}".encode() in head
        status = int(head.split(b" ")[1])
        assert status == {502: 503}.get(int(code), int(code))


def test_every_error_file_of_grpc_is_headers_alone_with_type_and_status() -> None:
    expected = {400: 3, 401: 16, 408: 4, 429: 8, 500: 13, 502: 14, 503: 14, 504: 4}
    files = {int(name[5:8]): text for name, text in refusal_files(LIMIT).items() if name.startswith("grpc-")}
    assert files.keys() == expected.keys()
    for code, content in files.items():
        head, body = content.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        assert lines[:2] == ["HTTP/1.1 200 OK", "content-type: application/grpc"]
        assert f"grpc-status: {expected[code]}" in lines
        assert "content-length: 0" in lines
        assert body == b""


def test_every_map_has_both_forms_of_a_refusal() -> None:
    maps = {name: text for name, text in refusal_files(LIMIT).items() if name.endswith(".map")}
    statuses = (400, 401, 405, 408, 413, 429, 502, 503, 504, 508)
    assert sorted(maps) == [f"{status}.map" for status in statuses]
    for text in maps.values():
        forms = dict(line.split(" ", 1) for line in text.decode().splitlines())
        assert json.loads(forms["/"])["err_msg"] == json.loads(forms["/v2/"])["error"]
