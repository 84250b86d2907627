"""The backend is chosen once, before anything is served, by a process of its own; every other process is told."""

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from dataclasses import replace
from pathlib import Path

import orjson

from paddle_serving_runtime.supervisor.children import Children, kill
from paddle_serving_runtime.supervisor.launch import computing_environment, python
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.verdict.backend import Choice, not_tried

_LOG = logging.getLogger(__name__)
_SECONDS = 300.0
"""For loading a model with every backend; then Default, whose own start tells what is wrong."""


async def chosen(settings: ServeSettings, children: Children, folder: Path, stop: StopRequest) -> ServeSettings:
    """The settings with the backend that every process is told; at once where Default is asked for.

    Whatever keeps another backend from being tried, an end of the process by a signal too, means Default, and is told.
    """
    asked = settings.computing.backend
    if asked == "Default":
        return settings
    output_file = folder / "choice.json"
    environment = computing_environment(settings.computing, settings.allocator, folder)
    environment |= {"TERMINATION_LOG": str(folder / "choice.message")}
    process = await children.start(_command(settings, output_file), environment)
    output = Output(process, "choice")
    copying = asyncio.create_task(output.copy())
    ended = await _ended(process, stop)
    kill(process)
    await process.wait()
    await copying
    if stop.drain.is_set():
        return replace(settings, computing=replace(settings.computing, backend="Default"))
    choice = _read(output_file) if ended and process.returncode == 0 else None
    if choice is None:
        choice = not_tried(asked, _why(process, ended=ended, words=output.last_words))
    for reason in choice.reasons:
        (_LOG.info if choice.backend != "Default" else _LOG.warning)(reason)
    return replace(settings, computing=replace(settings.computing, backend=choice.backend), choice=choice)


def _command(settings: ServeSettings, output: Path) -> tuple[str, ...]:
    return (
        *(*python("paddle_serving_runtime.cli.main"), "choose"),
        *("--model-dir", str(settings.model_dir), "--output", str(output)),
        *("--max-tolerance", str(settings.consistency.max_tolerance), *settings.computing.arguments),
    )


async def _ended(process: Process, stop: StopRequest) -> bool:
    """Whether the process has ended by itself, before its time was over or somebody wanted the end of all."""
    tasks = {asyncio.create_task(process.wait()), asyncio.create_task(stop.drain.wait())}
    try:
        await asyncio.wait(tasks, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return process.returncode is not None
    finally:
        for task in tasks:
            task.cancel()


def _read(path: Path) -> Choice | None:
    try:
        return Choice.from_fields(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _why(process: Process, *, ended: bool, words: str) -> str:
    status = process.returncode
    if not ended or status is None:
        return f"the process that tries the others did not end within {_SECONDS:g} s"
    how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
    return f"the process that tries the others {how}{f' ({words})' if words else ''}"
