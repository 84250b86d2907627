import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind import engine
from e2e.kind.cache import Cache
from e2e.kind.console import Console
from e2e.kind.engine import Daemon, boot_id, our_daemon, started_at
from e2e.kind.errors import SetupError
from e2e.kind.process import wait_until
from e2e.kind.tests.conftest import Calls, Fake

SILENT = 'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?" >&2; exit 1'
REFUSING = 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1'


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose name is dockerd."""
    program = tmp_path / "dockerd"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "100"]) as process:
        # The kernel sets the name a moment after the parent runs on.
        assert wait_until(lambda: engine.runs(str(process.pid), "dockerd"), 10, interval=0.01)
        yield process
        process.kill()


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("DOCKER_HOST")


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv("DOCKER_HOST")


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "AMD64")])
def test_another_platform_is_a_sentence(system: str, machine: str) -> None:
    with pytest.raises(SetupError, match=f"This machine is {system} on {machine}.*need Linux on x86-64. Use"):
        engine.require_platform(system, machine)


def test_an_engine_that_answers_is_used_as_it_is(fake: Fake, cache: Cache, console: Console, output: StringIO) -> None:
    fake("docker", "echo 28.2.2")
    fake("dockerd", "exit 1")
    engine.ensure(cache, console)
    assert "Docker engine: 28.2.2 answers" in output.getvalue()


@pytest.mark.usefixtures("as_user")
def test_without_engine_and_root_the_sentence_says_what_to_start(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", SILENT)
    with pytest.raises(SetupError, match=r"Cannot connect.*needs root\. Start yours \(systemctl start docker"):
        engine.ensure(cache, console)


@pytest.mark.usefixtures("as_user")
def test_without_any_docker_program_the_sentence_still_says_what_to_do(
    fake: Fake, cache: Cache, console: Console
) -> None:
    del fake
    with pytest.raises(SetupError, match=r"No such file or directory: 'docker'.*run the command as root"):
        engine.ensure(cache, console)


@pytest.mark.usefixtures("as_root")
def test_a_refused_socket_is_about_the_group_not_about_starting(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", REFUSING)
    with pytest.raises(SetupError, match=r"refuses this user.*group `docker`"):
        engine.ensure(cache, console)


def test_an_engine_elsewhere_is_not_replaced_by_a_local_one(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", SILENT)
    with pytest.raises(SetupError, match=r"DOCKER_HOST is unix:.*no-such-engine\.sock.*unset DOCKER_HOST"):
        engine.ensure(cache, console)


@pytest.mark.usefixtures("as_root")
def test_root_without_apt_is_told_to_install_an_engine(fake: Fake, cache: Cache, console: Console) -> None:
    fake("docker", SILENT)
    with pytest.raises(SetupError, match="neither dockerd nor apt-get"):
        engine.ensure(cache, console)


def test_a_daemon_of_ours_is_known_again(cache: Cache, sleeper: subprocess.Popen[bytes]) -> None:
    daemon = Daemon(sleeper.pid, started_at(sleeper.pid) or "", boot_id())
    (cache.engine / "dockerd.json").write_text(json.dumps(asdict(daemon)))
    assert our_daemon(cache) == daemon


@pytest.mark.parametrize("changed", [{"started": "1"}, {"boot": "another"}, {"pid": os.getpid()}, {"pid": 2**22 + 1}])
def test_another_process_with_the_number_of_our_daemon_is_not_stopped(
    cache: Cache, console: Console, sleeper: subprocess.Popen[bytes], changed: dict[str, object]
) -> None:
    daemon = asdict(Daemon(sleeper.pid, started_at(sleeper.pid) or "", boot_id())) | changed
    (cache.engine / "dockerd.json").write_text(json.dumps(daemon))
    assert our_daemon(cache) is None
    engine.stop(cache, console)
    assert sleeper.poll() is None


def test_our_daemon_is_stopped(cache: Cache, console: Console, sleeper: subprocess.Popen[bytes]) -> None:
    daemon = Daemon(sleeper.pid, started_at(sleeper.pid) or "", boot_id())
    (cache.engine / "dockerd.json").write_text(json.dumps(asdict(daemon)))
    engine.stop(cache, console)
    assert sleeper.wait(60) != 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_of_the_daemon_is_no_record(cache: Cache, content: str) -> None:
    (cache.engine / "dockerd.json").write_text(content)
    assert our_daemon(cache) is None


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "docker.pid"
    monkeypatch.setattr(engine, "PID_FILES", {path: "dockerd"})
    return path


def test_a_pid_file_whose_number_another_program_has_is_removed(pid_file: Path) -> None:
    pid_file.write_text(str(os.getpid()))
    assert engine.wait_for_a_starting_one() is False
    assert not pid_file.exists()


def test_a_daemon_that_is_just_starting_is_waited_for(
    fake: Fake, pid_file: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    fake("docker", "echo 28.2.2")
    pid_file.write_text(str(sleeper.pid))
    assert engine.wait_for_a_starting_one() is True


def test_a_second_daemon_is_never_started_beside_a_silent_one(
    fake: Fake, pid_file: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("docker", SILENT)
    monkeypatch.setattr(engine, "STARTS_WITHIN", 0.1)
    pid_file.write_text(str(sleeper.pid))
    with pytest.raises(SetupError, match=f"runs .pid {sleeper.pid}.*has not answered.*kill {sleeper.pid}"):
        engine.wait_for_a_starting_one()
    assert pid_file.exists()


def test_a_daemon_that_dies_at_once_is_reported_with_its_own_words(
    fake: Fake, cache: Cache, console: Console, pid_file: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    del pid_file
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(engine, "SYSTEMD", Path("/nowhere"))
    fake("docker", SILENT)
    fake("dockerd", 'echo "failed to start daemon: no space left on device" >&2; exit 1')
    with pytest.raises(SetupError, match="no space left on device"):
        engine.ensure(cache, console)
    assert len(calls.of("dockerd")) == 1


def test_the_oci_runtime_outlives_the_virtual_environment_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter, environment = tmp_path / "python3.11", tmp_path / "venv" / "python"
    interpreter.touch()
    environment.parent.mkdir()
    environment.symlink_to(interpreter)
    monkeypatch.setattr("sys.executable", str(environment))
    monkeypatch.setattr(engine, "lacks_capabilities", lambda: True)
    cache = Cache(tmp_path / "cache")
    cache.prepare()
    options = engine.runtime_options(cache)
    runtime = Path(options[1].removeprefix("trimmed="))
    assert runtime.read_text().splitlines()[0] == f"#!{interpreter}"
