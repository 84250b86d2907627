"""`kubectl paddle watch`, as lines and on a terminal, against a real API server."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyte
import pytest

from paddle_serving_operator.constants import PADDLE_SERVICE

from .plugin import SECONDS, Plugin
from .scene import NAME, NEW, OLD, Scene
from .world import World

pytestmark = pytest.mark.integration

WIDTH, HEIGHT = 100, 40


class Terminal:
    """A terminal of WIDTH x HEIGHT characters that shows what a program draws."""

    def __init__(self, plugin: Plugin, *arguments: str) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)
        self._file, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environment = {**plugin.environment, "TERM": "xterm-256color"}
        # a shell in the background starts everything with Ctrl-C ignored, which the child would inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            plugin.command(*arguments),
            env=environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._file, 65536)
            except OSError:  # nobody writes any more
                return
            with self._lock:
                self._stream.feed(data)

    def lines(self) -> list[str]:
        """What it shows."""
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    def until(self, what: str, holds: Callable[[list[str]], object]) -> list[str]:
        """Waits for it; after the deadline the assertion has the whole screen."""
        deadline = time.monotonic() + SECONDS
        while not holds(lines := self.lines()):
            assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}\n" + "\n".join(lines)
            time.sleep(0.1)
        return lines

    def ended(self) -> int:
        """The exit status, when everything has been drawn."""
        code = self.process.wait(SECONDS)
        self._thread.join(SECONDS)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join(SECONDS)
        os.close(self._file)


@contextmanager
def terminal(plugin: Plugin, *arguments: str) -> Iterator[Terminal]:
    made = Terminal(plugin, *arguments)
    try:
        yield made
    finally:
        made.close()


def shown(lines: list[str], text: str) -> int:
    return sum(text in line for line in lines)


def test_on_a_terminal_a_rollout_is_drawn_in_place_until_it_is_done(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.everything()
    with terminal(plugin, "watch", NAME, "--until-done") as screen:
        lines = screen.until("step 1 is drawn", lambda lines: shown(lines, "step 1 of 2: 20%"))
        assert shown(lines, f"2 {OLD}") == shown(lines, f"3 {NEW}") == 1
        assert shown(lines, "of 60s left") == 1
        assert shown(lines, "1 of 3 golden samples answered differently") == 1
        assert shown(lines, "RolloutStarted") == 1
        scene.shifting(step=1)
        lines = screen.until("the weights change", lambda lines: shown(lines, "50%") >= 3)
        assert shown(lines, f"{NAME} in {world.namespace}") == 1, "drawn over, not below"
        assert "✔  step 1 of 2: 20%" in "\n".join(lines)
        scene.healthy()
        assert screen.ended() == 0
        assert shown(screen.lines(), f"{NAME} is Healthy. RolledOut: Revision {NEW} has all traffic.") == 1


def test_ctrl_c_ends_it_and_leaves_no_kubectl_behind(world: World, plugin: Plugin) -> None:
    Scene(world).shifting()
    with terminal(plugin, "watch", NAME) as screen:
        screen.until("it is drawn", lambda lines: shown(lines, "step 1 of 2: 20%"))
        group = os.getpgid(screen.process.pid)
        screen.process.send_signal(signal.SIGINT)
        assert screen.ended() == 130
        assert shown(screen.lines(), "Traceback") == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(group, 0)


def test_where_the_output_is_no_terminal_each_change_is_a_line(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.shifting()
    scene.event("RolloutStarted", "Told before the watch began.")
    process = plugin.start("watch", NAME, "--until-done")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.split(" ", 1)[1] == (
        f"Progressing step 1/2 stable {OLD} 80% (2/2 pods ready) canary {NEW} 20% (1/1 pods ready) "
        f"StepPause: Step 1 of 2: revision {NEW} has 20 % of the traffic for 60 s.\n"
    )
    scene.event("VerbObeyed", "`abort` is obeyed.", warning=True)
    assert process.stdout.readline().split(" ", 1)[1] == "Warning VerbObeyed: `abort` is obeyed.\n"
    scene.stopped()
    rest, said = plugin.finish(process, code=3)
    assert rest.splitlines()[-1].startswith(f"{NAME} is Failed. DriftTooLarge: 1 of 3 answers of revision {NEW} differ")
    assert said.startswith(f"error: The newest spec of {NAME} does not serve.")
    assert "\x1b" not in first + rest


def test_a_watch_ends_when_its_time_is_up_or_the_service_is_deleted(world: World, plugin: Plugin) -> None:
    scene = Scene(world)
    scene.shifting()
    assert "was watched for the time that was given" in plugin.run("watch", NAME, "--timeout", "1s", code=4)
    process = plugin.start("watch", NAME)
    assert process.stdout is not None
    assert process.stdout.readline()
    world.delete(PADDLE_SERVICE, NAME)
    assert plugin.finish(process, code=1)[1] == f"error: {NAME} was deleted.\n"
