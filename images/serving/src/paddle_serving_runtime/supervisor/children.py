"""Child processes of PID 1, and the orphans of others."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence

_RETRY_SECONDS = 0.05
_LINE_BYTES = 1024 * 1024


class Children:
    """Starts processes that die with this one, and reaps the orphans that a PID 1 inherits.

    An orphan is told from an own child by its pid: the status of an own child belongs to whoever waits for it.
    """

    def __init__(self) -> None:
        self._own: list[Process] = []
        self._starting = 0

    async def start(
        self, command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> Process:
        """A process in a session of its own, with stdout and stderr in one pipe."""
        self._starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", *command),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                env=dict(environment),
                pass_fds=pass_fds,
                start_new_session=True,
                limit=_LINE_BYTES,
            )
            self.adopt(process)
        finally:
            self._starting -= 1
        _end_group_with(process)
        return process

    def adopt(self, process: Process) -> None:
        """Counts a process started elsewhere as an own child."""
        self._own = [*self.running(), process]

    def running(self) -> tuple[Process, ...]:
        """The own children that have not ended."""
        return tuple(child for child in self._own if child.returncode is None)

    def reap_orphans(self) -> None:
        """Collects every dead process that is not an own child; call it on SIGCHLD."""
        own = {child.pid for child in self.running()}
        while (dead := _next_dead()) is not None:
            if dead in own or self._starting:
                # only the first dead child can be seen; come back when its owner has collected it
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.reap_orphans)
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(dead, os.WNOHANG)


def _end_group_with(process: Process) -> None:
    """Kills what a process has started as soon as it has ended itself.

    What is left would keep its pipes open, and asyncio takes a process for alive until they are closed.
    """
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:  # it has ended already, or the kernel is older than 5.3
        return

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        kill(process)

    loop.add_reader(descriptor, ended)


def kill(process: Process) -> None:
    """Kills a process and whatever it has started, which may live on where the process itself has ended.

    The number of a process that has ended is not given to another one while its group has a member; where it has none,
    call this soon: numbers come round.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _next_dead() -> int | None:
    try:
        result = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return result.si_pid if result is not None else None
