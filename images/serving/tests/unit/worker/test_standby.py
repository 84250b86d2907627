"""What a worker process without a place makes of what it is sent."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from images.serving.tests.unit.link.test_options import OPTIONS
from paddle_serving_runtime.worker import standby


@pytest.fixture(autouse=True)
def no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "_import", lambda _: None)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, int]]:
    """The supervisor's socket, and the descriptor of the worker's, which takes it over."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here:
        yield here, there.detach()


def test_options_come_with_their_descriptors(pair: tuple[socket.socket, int], tmp_path: Path) -> None:
    channel, descriptor = pair
    with (tmp_path / "report").open("wb") as report, (tmp_path / "lifeline").open("wb") as lifeline:
        descriptors = [report.fileno(), lifeline.fileno()]
        socket.send_fds(channel, [OPTIONS.to_json().encode()], descriptors)
        options = standby.options_from(descriptor, tmp_path)
    assert options is not None
    assert channel.recv(9) == b"\1"
    assert replace(options, report_fd=OPTIONS.report_fd, lifeline_fd=OPTIONS.lifeline_fd) == OPTIONS
    for each, name in ((options.report_fd, "report"), (options.lifeline_fd, "lifeline")):
        assert not os.get_inheritable(each)
        assert Path(f"/proc/self/fd/{each}").readlink().name == name
        os.close(each)


def test_a_place_that_was_given_before_the_import_had_ended_is_taken(
    pair: tuple[socket.socket, int], tmp_path: Path
) -> None:
    channel, descriptor = pair
    with (tmp_path / "sink").open("wb") as sink:
        socket.send_fds(channel, [OPTIONS.to_json().encode()], [sink.fileno()] * 2)
    channel.close()
    options = standby.options_from(descriptor, tmp_path)
    assert options is not None
    assert options.index == OPTIONS.index
    os.close(options.report_fd)
    os.close(options.lifeline_fd)


def test_a_supervisor_that_has_ended_needs_no_worker(pair: tuple[socket.socket, int], tmp_path: Path) -> None:
    channel, descriptor = pair
    channel.close()
    assert standby.options_from(descriptor, tmp_path) is None
