"""The spare process of a supervisor, with stand-ins that import nothing."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from images.serving.tests.unit.link.test_options import OPTIONS
from images.serving.tests.unit.supervisor.test_verification import settings
from paddle_serving_runtime.supervisor import standby as module
from paddle_serving_runtime.supervisor.children import Children, kill
from paddle_serving_runtime.supervisor.standby import Spare, Standby, start_spare

SECONDS = 60.0
"""For whatever must happen at last."""

# answers as a worker does: what it was told, on the report pipe
STAND_IN = """
import os, socket, sys
channel = socket.socket(fileno=int(sys.argv[sys.argv.index("--standby") + 1]))
channel.send(b"1")
message, (report, lifeline), _, _ = socket.recv_fds(channel, 1 << 18, 2)
os.write(report, message)
os.write(lifeline, b"lifeline")
"""

IMPORTS_UNTIL_TOLD = STAND_IN.replace("channel.send", "channel.recv(1)\nchannel.send")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`python -m paddle_serving_runtime.worker` is this file."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return script


@pytest.fixture
def sink() -> Iterator[int]:
    """A descriptor that takes everything."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def with_standby(test: Callable[[Standby, list[Spare]], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        children, started = Children(), []

        async def start() -> Spare:
            started.append(await start_spare(replace(settings(), model_dir=folder), children, folder))
            return started[-1]

        standby = Standby(start)
        keeping = asyncio.create_task(standby.keep())
        try:
            async with asyncio.timeout(SECONDS):
                await test(standby, started)
        finally:
            keeping.cancel()
            ended, _ = await asyncio.wait({keeping}, timeout=SECONDS)
            assert ended, "the task that keeps a spare goes on, although it was told to end"
            if not keeping.cancelled():
                keeping.result()
            for child in children.running():
                kill(child)
                async with asyncio.timeout(SECONDS):
                    await child.wait()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
        await asyncio.sleep(0.01)


def test_a_spare_becomes_the_worker_that_it_is_told_to_be(stand_in: Path) -> None:
    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        (report, report_end), (lifeline, lifeline_end) = os.pipe(), os.pipe()
        options = replace(OPTIONS, report_fd=report_end, lifeline_fd=lifeline_end)
        assert standby.take(options) is started[0].process
        os.close(report_end)
        os.close(lifeline_end)
        loop = asyncio.get_running_loop()
        assert json.loads(await loop.run_in_executor(None, os.read, report, 1 << 16)) == json.loads(options.to_json())
        assert await loop.run_in_executor(None, os.read, lifeline, 99) == b"lifeline"
        for descriptor in (report, lifeline):
            os.close(descriptor)

    with_standby(test, stand_in.parent)


def test_the_next_spare_is_started_when_it_is_wanted_again(stand_in: Path, sink: int) -> None:
    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        # as for a worker that dies: nothing is started beside the one that takes its place
        standby.want(wanted=False)
        assert standby.take(replace(OPTIONS, report_fd=sink, lifeline_fd=sink)) is not None
        assert not standby.imported
        assert standby.take(OPTIONS) is None
        await started[0].process.wait()
        assert len(started) == 1
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        assert len(started) == 2

    with_standby(test, stand_in.parent)


def test_a_spare_that_still_imports_stays_one(stand_in: Path, sink: int) -> None:
    stand_in.write_text(IMPORTS_UNTIL_TOLD)

    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: len(started) == 1)
        options = replace(OPTIONS, report_fd=sink, lifeline_fd=sink)
        assert standby.take(options) is None
        await asyncio.get_running_loop().sock_sendall(started[0].channel, b"go on")
        await until(lambda: standby.imported)
        assert standby.take(options) is started[0].process

    with_standby(test, stand_in.parent)


def is_stopped(pid: int) -> bool:
    """proc(5), the state behind the name: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")


def test_a_spare_imports_only_while_it_is_wanted(stand_in: Path) -> None:
    stand_in.write_text(IMPORTS_UNTIL_TOLD)

    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: len(started) == 1)
        pid = started[0].process.pid
        standby.want(wanted=False)
        await until(lambda: is_stopped(pid))
        standby.want(wanted=True)
        await until(lambda: not is_stopped(pid))
        await asyncio.get_running_loop().sock_sendall(started[0].channel, b"go on")
        await until(lambda: standby.imported)
        standby.want(wanted=False)
        assert not is_stopped(pid)

    with_standby(test, stand_in.parent)


def test_a_spare_that_was_paused_when_it_had_imported_takes_its_place(stand_in: Path, sink: int) -> None:
    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        process = started[0].process
        process.send_signal(signal.SIGSTOP)
        await until(lambda: is_stopped(process.pid))
        assert standby.take(replace(OPTIONS, report_fd=sink, lifeline_fd=sink)) is process
        assert await process.wait() == 0

    with_standby(test, stand_in.parent)


def test_a_spare_that_ends_by_itself_is_replaced(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)

    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        kill(started[0].process)
        await until(lambda: len(started) == 2 and standby.imported)

    with_standby(test, stand_in.parent)
    assert "the standby process ended with status -9" in caplog.text


def test_a_spare_that_ends_before_it_has_read_what_it_was_sent_is_replaced(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    stand_in.write_text(STAND_IN.partition("message,")[0] + "import signal; signal.pause()\n")

    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        started[0].channel.send(b"never read")
        kill(started[0].process)
        await until(lambda: len(started) == 2 and standby.imported)

    with_standby(test, stand_in.parent)


def test_what_a_spare_said_before_it_ended_is_logged(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 60.0)
    stand_in.write_text("raise SystemExit('no module named paddle')")

    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: "the standby process ended" in caplog.text)
        assert len(started) == 1
        assert standby.take(OPTIONS) is None

    with_standby(test, stand_in.parent)
    assert "with status 1: no module named paddle" in caplog.text


def has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:  # asyncio's own thread has collected it
        return True


def test_a_dead_spare_is_not_given_a_place(stand_in: Path, sink: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(standby: Standby, started: list[Spare]) -> None:
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        kill(started[0].process)
        # as where the loop has not yet seen its death
        monkeypatch.setattr(module, "_RETRY_SECONDS", 60.0)
        while not has_ended(started[0].process.pid):
            pass
        assert standby.take(replace(OPTIONS, report_fd=sink, lifeline_fd=sink)) is None

    with_standby(test, stand_in.parent)


def test_an_end_that_comes_while_a_spare_takes_its_place_is_one(stand_in: Path, sink: int) -> None:
    """The place is given in one turn of the loop, and in one of the next the supervisor ends."""

    async def ends_after(turns: int) -> None:
        children = Children()
        folder = stand_in.parent
        standby = Standby(lambda: start_spare(replace(settings(), model_dir=folder), children, folder))
        keeping = asyncio.create_task(standby.keep())
        standby.want(wanted=True)
        await until(lambda: standby.imported)
        assert standby.take(replace(OPTIONS, report_fd=sink, lifeline_fd=sink)) is not None
        standby.want(wanted=False)
        for _ in range(turns):
            await asyncio.sleep(0)
        keeping.cancel()
        ended, _ = await asyncio.wait({keeping}, timeout=SECONDS)
        for child in children.running():
            kill(child)
            await child.wait()
        assert ended, turns

    for turns in range(6):
        asyncio.run(ends_after(turns))
