import json
import subprocess
from pathlib import Path

import pytest

from paddle_serving_runtime.front import FrontSettings, render
from paddle_serving_runtime.front.config import error_files

EXPECTED = Path(__file__).parent / "expected" / "haproxy.cfg"


def settings(folder: Path, workers: int = 2) -> FrontSettings:
    return FrontSettings(
        port=8080,
        workers=tuple(folder / f"w{index}.sock" for index in range(workers)),
        admin_socket=folder / "front.sock",
        error_folder=folder / "errors",
        queue=128,
        request_timeout=60.0,
        max_body_bytes=64 * 1024 * 1024,
    )


def test_the_configuration_is_the_expected_one() -> None:
    assert render(settings(Path("/run/serving"))) == EXPECTED.read_text()


@pytest.mark.parametrize("workers", [1, 64])
def test_haproxy_accepts_the_configuration_without_a_warning(tmp_path: Path, workers: int) -> None:
    front = settings(tmp_path, workers)
    front.error_folder.mkdir()
    for code, content in error_files().items():
        (front.error_folder / f"{code}.http").write_bytes(content)
    path = tmp_path / "haproxy.cfg"
    path.write_text(render(front))
    try:
        done = subprocess.run(["haproxy", "-c", "-V", "-f", str(path)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.fail("haproxy is not installed: run `make setup`, or apt-get install haproxy")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_every_error_file_is_http_with_the_body_of_a_pipeline_response() -> None:
    for code, content in error_files().items():
        head, body = content.split(b"\r\n\r\n", 1)
        message = json.loads(body)
        assert list(message) == ["err_no", "err_msg", "key", "value", "tensors"]
        assert message["err_no"] != 0
        assert f"Content-Length: {len(body)}".encode() in head
        status = int(head.split(b" ")[1])
        assert status == {502: 503}.get(code, code)
