"""The HAProxy process and its admin socket."""

import asyncio
import contextlib
import csv
import fcntl
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from paddle_serving_runtime.front.config import FrontSettings, render
from paddle_serving_runtime.front.names import BACKEND, DRAINING, GRPC, HTTP, worker_name
from paddle_serving_runtime.front.refusals import refusal_files

_LOG_PIPE_BYTES = 1024 * 1024
"""HAProxy drops log lines rather than wait; a large pipe holds some thousands of them."""

_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024), "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024)}
"""So much freed memory is kept (mallopt(3)); else every request would give its large buffers back to the kernel and
take them anew, page by page: more than half of HAProxy's CPU time for a request of 110 KB."""

_POLL_SECONDS = 0.01
_ANSWER_SECONDS = 5.0


class FrontError(Exception):
    """HAProxy did not start, or did not do as told; the message says what it said."""


class Front:
    """A running HAProxy."""

    def __init__(self, process: Process, settings: FrontSettings, log: int) -> None:
        self.process = process
        self._log: int | None = log
        self._cut_off = b""
        self._settings = settings
        self._words: deque[str] = deque(maxlen=20)
        # a full pipe would stop HAProxy
        self._listening = asyncio.create_task(self._keep_last_words())

    @classmethod
    async def start(cls, settings: FrontSettings, folder: Path) -> Self:
        """Writes the configuration into `folder` and starts HAProxy; its death ends with this process'."""
        settings.error_folder.mkdir(exist_ok=True)
        for name, content in refusal_files(settings.max_body_bytes).items():
            (settings.error_folder / name).write_bytes(content)
        path = folder / "haproxy.cfg"
        path.write_text(render(settings))
        command = ("setpriv", "--pdeathsig", "KILL", "haproxy", "-db", "-f", str(path))
        log, log_end = _log_pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=log_end,
                stderr=PIPE,
                env={**os.environ, **_MEMORY},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            os.close(log)
            raise FrontError(f"{error.filename} is not installed: apt-get install haproxy util-linux") from None
        finally:
            os.close(log_end)
        return cls(process, settings, log)

    async def accepts(self) -> None:
        """Returns once HAProxy listens. Raises FrontError with its own words where it ends instead."""
        while not await self._answers():
            if self.process.returncode is not None:
                raise FrontError(await self.last_words())
            await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self) -> bool:
        """Whether its main loop runs; the admin socket is there before the port is bound."""
        try:
            return bool(await self._command("show info"))
        except FrontError:
            return False

    async def last_words(self) -> str:
        """A sentence with the exit status and what HAProxy wrote before it ended."""
        status = await self.process.wait()
        await self._listening
        alerts = [words for words in self._words if "ALERT" in words] or self._words
        words = " ".join(alerts)[-1000:]
        return f"HAProxy ended with status {status}" + (f": {words}" if words else "")

    def take_log(self) -> list[bytes] | None:
        """The lines that HAProxy has logged since the last time; None once it has ended and all are taken.

        To wake up for every line would cost more than to read it: look every now and then.
        """
        if self._log is None:
            return None
        try:
            data = os.read(self._log, _LOG_PIPE_BYTES)
        except BlockingIOError:
            return []
        if not data:
            os.close(self._log)
            self._log = None
            return None
        *lines, self._cut_off = (self._cut_off + data).split(b"\n")
        return lines

    async def enable(self, worker: int, capacity: int, *, spread: bool = True) -> None:
        """Lets requests reach a worker, up to `capacity` at a time.

        Where all have few it gets as many as each of them, or, without `spread`, always as many as it can use. That is
        how HAProxy takes a limit that is set anew: as both of its bounds where they were equal, else as the upper one.
        """
        server = f"{BACKEND}/{worker_name(worker)}"
        limits = (capacity,) if spread else (1, capacity)
        await self._do("; ".join(f"set maxconn server {server} {limit}" for limit in limits))
        await self._set(server, "ready")

    async def disable(self, worker: int) -> None:
        """Keeps new requests from a worker; the one it has goes on."""
        await self._set(f"{BACKEND}/{worker_name(worker)}", "maint")

    async def release_queue(self, capacities: Mapping[int, int]) -> None:
        """Makes it look at its queue again; `capacities` are those of the workers that may have requests.

        HAProxy 2.6.12 was seen not to after a client had left: who waits then waits until the time-out, beside idle
        workers. To set a limit anew, even to what it is, makes it look.
        """
        limits = (f"{BACKEND}/{worker_name(worker)} {capacity}" for worker, capacity in capacities.items())
        await self._do("; ".join(f"set maxconn server {limit}" for limit in limits))

    async def take_certificate(self, path: Path, pem: str) -> None:
        """Shows this certificate to who connects from now on. `path` is its file, with its key. Raises FrontError."""
        answer = await self._command(f"set ssl cert {path} <<\n{pem.rstrip()}\n")
        if not answer.startswith("Transaction"):
            raise FrontError(f"HAProxy did not take the certificate: {' '.join(answer.split())}")
        answer = await self._command(f"commit ssl cert {path}")
        if "Success" not in answer:
            raise FrontError(f"HAProxy did not take the certificate: {' '.join(answer.split())}")

    async def take_keys(self, path: Path, hashes: Sequence[str]) -> None:
        """Takes the keys with these hashes, and no other, from the next request on. `path` is their file."""
        answer = await self._command(f"prepare acl {path}")
        version = answer.strip().rpartition(" ")[2]
        if not version.isdecimal():
            raise FrontError(f"HAProxy did not prepare new API keys: {answer.strip()}")
        for each in hashes:
            await self._do(f"add acl @{version} {path} {each}")
        await self._do(f"commit acl @{version} {path}")

    async def announce_drain(self) -> None:
        """Every response from now on asks its client to close the connection."""
        await self._set(DRAINING, "ready")

    def stop_accepting(self) -> None:
        """Closes the port; HAProxy ends by itself when every request it has is answered."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGUSR1)

    async def queue_length(self) -> int:
        """Requests that wait for a worker now."""
        rows = await self._statistics()
        return sum(int(row["qcur"] or 0) for row in rows if row["pxname"] == BACKEND and row["svname"] == "BACKEND")

    async def requests_begun(self) -> int:
        """Requests of all clients since its start; a connection that ends without one, as of a probe, is none."""
        clients = [
            row for row in await self._statistics() if row["pxname"] in {HTTP, GRPC} and row["svname"] == "FRONTEND"
        ]
        # HAProxy counts such a connection as a request, and as one with an error
        return sum(int(row["req_tot"] or 0) - int(row["ereq"] or 0) for row in clients)

    async def _statistics(self) -> list[dict[str, str]]:
        return list(csv.DictReader((await self._command("show stat")).removeprefix("# ").splitlines()))

    async def _keep_last_words(self) -> None:
        stream = self.process.stderr
        assert stream is not None  # noqa: S101 - for the type checker: it is a pipe
        while line := await stream.readline():
            self._words.append(line.decode(errors="replace").strip())

    async def _set(self, server: str, state: str) -> None:
        await self._do(f"set server {server} state {state}")

    async def _do(self, command: str) -> None:
        answer = await self._command(command)
        if answer.strip():
            raise FrontError(f"HAProxy did not {command}: {answer.strip()}")

    async def _command(self, command: str) -> str:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._settings.admin_socket))
        except OSError as error:
            raise FrontError(f"HAProxy's admin socket: {error.strerror}") from error
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                writer.write(command.encode() + b"\n")
                return (await reader.read()).decode()
        except (OSError, TimeoutError) as error:
            # its first line: what follows is a private key
            words = command.partition("\n")[0]
            raise FrontError(f"HAProxy's admin socket does not answer to {words}: {error}") from error
        finally:
            writer.close()


def _log_pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    # without the right to a large one a small one must do
    with contextlib.suppress(OSError):
        fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, _LOG_PIPE_BYTES)
    return read_end, write_end
