"""The operator's page before a real API server: what the watches tell is on it, and looking at it asks nobody."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from e2e.ports import free_ports
from paddle_serving_operator.constants import EVENT
from paddle_serving_operator.handlers.watches import GROUPS_WITH_PAGE
from paddle_serving_operator.observe.showing import Showing
from paddle_serving_operator.page.site import Site

from .gate import Gate
from .running import running
from .scene import NAME, NEW, OLD, Scene
from .world import World, spec

pytestmark = pytest.mark.integration

SECONDS = 60.0
LISTENS = "0A"  # the state of a socket in /proc/net/tcp


def test_the_page_shows_what_the_watches_tell_and_asks_nobody(world: World, gate: Gate, tmp_path: Path) -> None:
    scene = Scene(world)
    scene.everything()
    with running(world, gate, tmp_path, GROUPS_WITH_PAGE) as operator:
        world.until("the events are listed", lambda: operator.mirror.known(EVENT, world.namespace))
        site = Site(Showing(operator.mirror, operator.watches.scopes), lambda: datetime.now(UTC))
        path = f"/services/{world.namespace}/{NAME}"
        shown = site.answer(path).body.decode()
        operator.calls()
        for part in (
            f"Revision {NEW} is in step 1 of 2: 20%",
            "expected",
            "4871093",
            f"{NAME}-{OLD}-x2k4p",
            "Revision 1",
            "RolloutStarted",
        ):
            assert part in shown
        for page in ("/", path, f"{path}/reports/{NEW}", f"{path}/changes", "/services/x/y"):
            site.answer(page)
        assert operator.calls() == []
        scene.event("Superseded", "Told meanwhile.", kind="Pod")
        scene.event("StepEntered", "Told meanwhile.")
        world.until("the event", lambda: "StepEntered" in site.answer(path).body.decode())
        told = {event["reason"] for event in operator.mirror.known(EVENT, world.namespace)}
        assert told == {"RolloutStarted", "StepEntered"}
        scene.shifting(step=1)
        world.until("the second step", lambda: "step 2 of 2: 50%, held until" in site.answer(path).body.decode())
        assert operator.calls() == []


def listening(process: subprocess.Popen[bytes]) -> set[int]:
    """The TCP ports on which a process listens."""
    folder = Path(f"/proc/{process.pid}")
    sockets = {link.readlink().name for link in (folder / "fd").iterdir() if link.is_symlink()}
    inodes = {found[1] for name in sockets if (found := re.fullmatch(r"socket:\[(\d+)\]", name))}
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in (folder / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in inodes:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


def ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=SECONDS).ok
    except requests.ConnectionError:
        return False


def names_of(metrics: str) -> set[str]:
    """What is measured, without the numbers; since when something is counted is there only once it was."""
    return {name for name in re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE) if not name.endswith("_created")}


def test_it_is_off_unless_it_is_asked_for_and_beside_it_all_is_as_it_was(world: World, tmp_path: Path) -> None:
    world.create("seg", spec())
    answers = []
    health, page = free_ports(2)
    probe, metrics = f"http://127.0.0.1:{health}/healthz", f"http://127.0.0.1:{health}/metrics"
    shown = f"http://127.0.0.1:{page}/services/{world.namespace}/seg"
    off = {"LIVENESS_ENDPOINT": probe}
    on = off | {"PAGE_ENDPOINT": f"http://127.0.0.1:{page}"}
    for settings, ports in ((off, {health}), (on, {health, page})):
        with world.operator(tmp_path / str(len(ports)), settings=settings) as process:
            world.until("it is healthy", lambda: ok(probe))
            assert listening(process) == ports
            probed, measured = requests.get(probe, timeout=SECONDS), requests.get(metrics, timeout=SECONDS)
            answers.append(
                (set(probed.json()), probed.headers.keys(), names_of(measured.text), measured.headers.keys())
            )
            if settings is on:
                world.until("the page has the service", lambda: ok(shown))
                elsewhere = requests.get(f"http://127.0.0.1:{page}/metrics", timeout=SECONDS)
                assert elsewhere.status_code == requests.codes.not_found
    assert answers[0] == answers[1]


def test_a_page_whose_port_is_taken_stops_the_operator_with_a_sentence(world: World, tmp_path: Path) -> None:
    (health,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{health}"
    settings = {"LIVENESS_ENDPOINT": f"{endpoint}/healthz", "PAGE_ENDPOINT": endpoint}
    with world.operator(tmp_path, settings=settings) as process:
        assert process.wait(SECONDS) == 1
    (log,) = tmp_path.glob("operator-*.log")
    assert "PAGE_ENDPOINT cannot be served" in log.read_text()
