"""`kubectl paddle` as a process, against the API server of a world."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from .control_plane import find_program
from .world import World

SECONDS = 240.0  # for one command, on a machine that has much else to do


class Plugin:
    """Runs the plugin as a user has it: found by kubectl, with a kubeconfig and the namespace of its context."""

    def __init__(self, world: World, folder: Path, kubeconfig: Path | None = None) -> None:
        """`folder` takes kubectl's caches."""
        self.world = world
        scripts = sysconfig.get_path("scripts")
        self.environment = {
            "PATH": os.pathsep.join((str(find_program("kubectl").parent), scripts, os.environ["PATH"])),
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig or world.plane.kubeconfig),
            "LANG": "C.UTF-8",
        }

    def command(self, *arguments: str) -> list[str]:
        """The command line, with the namespace of the world."""
        return [sys.executable, "-m", "paddle_serving_operator.plugin.main", "-n", self.world.namespace, *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Started, with pipes."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def finish(self, process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
        """What it printed on both, when it has ended with this status."""
        try:
            printed, said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, said = process.communicate()
            raise AssertionError(f"not within {SECONDS:g} s; printed {printed!r} and {said!r}") from None
        assert process.returncode == code, (process.returncode, printed, said)
        return printed, said

    def run(self, *arguments: str, code: int = 0) -> str:
        """What it printed; on stderr where it ended with another status than 0."""
        printed, said = self.finish(self.start(*arguments), code)
        return said if code else printed
