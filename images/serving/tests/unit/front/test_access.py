"""TLS and API keys as lines of haproxy.cfg: nothing where they are off, and a configuration that HAProxy takes."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from images.serving.tests.certificates import write_certificate
from images.serving.tests.unit.front.test_config import LIMIT, settings
from paddle_serving_runtime.front import render
from paddle_serving_runtime.front.access import OPEN, Access
from paddle_serving_runtime.front.refusals import refusal_files

RUN = Path("/run/serving")
BOTH = Access(RUN / "tls.pem", RUN / "api-keys")


def lines(access: Access) -> list[str]:
    return render(replace(settings(RUN), access=access)).splitlines()


def test_only_the_ports_for_clients_speak_tls() -> None:
    binds = [line.strip() for line in lines(Access(RUN / "tls.pem")) if line.startswith("    bind ")]
    assert binds == [
        "bind *:8080 proto h1 ssl crt /run/serving/tls.pem alpn http/1.1 ssl-min-ver TLSv1.2",
        "bind *:9000 proto h2 ssl crt /run/serving/tls.pem alpn h2 ssl-min-ver TLSv1.2",
        "bind unix@/run/serving/front-grpc.sock mode 600 proto h2 name inside",
    ]


def test_a_key_is_asked_for_before_anything_else_is_looked_at_and_goes_no_further() -> None:
    for frontend in "\n".join(lines(BOTH)).split("\nfrontend ")[1:]:
        rules = [line.strip() for line in frontend.splitlines() if line.startswith("    http-request ")]
        refusing = next(number for number, rule in enumerate(rules) if rule.startswith("http-request return"))
        assert rules[refusing].startswith("http-request return status 401 ")
        assert "!authorized" in rules[refusing]
        assert rules[refusing + 1] == "http-request del-header authorization"


def test_nothing_of_it_is_there_where_it_is_off() -> None:
    text = "\n".join(lines(OPEN))
    assert not any(word in text for word in ("authorized", "authorization", " ssl ", "401"))


@pytest.mark.parametrize(("tls", "keys"), [(True, True), (True, False), (False, True)])
def test_haproxy_accepts_the_configuration_without_a_warning(tmp_path: Path, *, tls: bool, keys: bool) -> None:
    (tmp_path / "tls.pem").write_text("".join(path.read_text() for path in write_certificate(tmp_path, "a")))
    (tmp_path / "api-keys").write_text("00AA\n")
    access = Access(tmp_path / "tls.pem" if tls else None, tmp_path / "api-keys" if keys else None)
    front = replace(settings(tmp_path), access=access)
    front.error_folder.mkdir()
    for name, content in refusal_files(LIMIT).items():
        (front.error_folder / name).write_bytes(content)
    (tmp_path / "haproxy.cfg").write_text(render(front))
    command = ["haproxy", "-c", "-f", str(tmp_path / "haproxy.cfg")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
