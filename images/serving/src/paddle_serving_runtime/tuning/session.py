"""Loads a package with one setting after the other and times it, as far as there is time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.package.golden import Recorded
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.switches import Backend
from paddle_serving_runtime.supervisor.allocator import Allocator
from paddle_serving_runtime.tuning.figures import Row, agreement
from paddle_serving_runtime.tuning.machine import available_mib
from paddle_serving_runtime.tuning.options import ProbeOptions
from paddle_serving_runtime.tuning.plan import Group, Setting, run_seconds
from paddle_serving_runtime.tuning.probe import Probe
from paddle_serving_runtime.words import counted

OVER = "the time was over: allow more with --seconds"
NO_ROOM = "more than one worker of it needs more memory than is free"
_EXPECTED_LOAD_SECONDS = 4.0
"""Until one is measured."""

_TOLD_EVERY_SECONDS = 0.5
_LOADS_OF_A_GROUP = 2
_MEMORY_SHARE = 0.8
"""Of what is free, for the processes that are timed at once."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """What is timed: the package with its recorded answers, and how every process computes it.

    `folder` is for what the processes write.
    """

    root: Path
    recorded: Mapping[str, Recorded]
    computing: Computing
    allocator: Allocator
    folder: Path


@dataclass
class Found:
    """What is known so far.

    `reasons` say why requests do not share runs of every size; `in_config` is whether config.yml says that they do;
    `default` are the answers of Default with one thread.
    """

    rows: list[Row] = field(default_factory=list)
    reasons: tuple[str, ...] = ()
    in_config: bool = False
    default: Mapping[str, Answer] = field(default_factory=dict)


class Session:
    """The measurement of one package, for `seconds` from its start; the first group has to be Default's."""

    def __init__(self, subject: Subject, groups: Sequence[Group], seconds: float, progress: Progress) -> None:
        self._subject = subject
        self._groups = groups
        self._end = time.monotonic() + seconds
        self._progress = progress
        self._load_seconds = _EXPECTED_LOAD_SECONDS
        self._probes = 0
        self._under_way = ""
        self._impossible: dict[Backend, str] = {}
        self.found = Found()

    async def run(self) -> Found:
        """A row for each setting. Raises the ServingError of a package that cannot be computed.

        Where not even the first figures are there in time, no row has any.
        """
        telling = asyncio.create_task(self._tell())
        try:
            for number, group in enumerate(self._groups):
                if group.backend in self._impossible:
                    self._leave(group, self._impossible[group.backend])
                elif number and self._left() < self._load_seconds:
                    self._leave(group, OVER)
                else:
                    await self._try(group, len(self._groups) - number - 1)
        finally:
            telling.cancel()
        return self.found

    async def _tell(self) -> None:
        """For as long as something is under way."""
        while True:
            await asyncio.sleep(_TOLD_EVERY_SECONDS)
            self._progress(self._under_way)

    async def _try(self, group: Group, following: int) -> None:
        try:
            async with asyncio.timeout(self._left()):
                await self._measure(group, following)
        except TimeoutError:
            self._leave(group, OVER)
        except ServingError as error:
            if not self.found.default:
                raise
            self._give_up(group, error.message)

    def _give_up(self, group: Group, why: str) -> None:
        """With other threads it is the same."""
        self._impossible[group.backend] = why
        self._leave(group, why)

    def _begin(self, what: str) -> None:
        self._under_way = what
        self._progress(what)

    def _left(self) -> float:
        return self._end - time.monotonic()

    def _leave(self, group: Group, note: str) -> None:
        """Rows without figures for what of the group has none."""
        there = {row.setting for row in self.found.rows}
        missing = [setting for setting in group.settings(batched=False) if setting not in there]
        self.found.rows += [Row(setting, note=note) for setting in missing]

    async def _measure(self, group: Group, following: int) -> None:
        async with self._started(group, 1) as (first,):
            if group.backend not in first.loaded["backends"]:
                self._give_up(group, " ".join(first.loaded["warnings"]) or "no model of the package can have it")
                return
            outcome = self._outcome(first)
            alone, together = _halves(group, shared=first.loaded["capacity"] > 1)
            await self._time(alone, [first], outcome, following)
            room = 1 + int(_MEMORY_SHARE * available_mib() / self.found.rows[-1].worker_mib)
            if room == 1:
                self._leave(group, NO_ROOM)
            if min(group.workers, room) == 1:
                return
            async with self._started(group, min(group.workers, room) - 1) as others:
                fitting = [replace(setting, workers=1 + len(others)) for setting in together]
                await self._time(fitting, [first, *others], outcome, following)

    def _outcome(self, probe: Probe) -> Row:
        """What is true of every row of a group; the setting is of none."""
        loaded, found, answers = probe.loaded, self.found, probe.answers
        if not found.default:
            batching: Mapping[str, Any] = loaded["batching"] or {}
            found.default = answers
            found.reasons = tuple(batching.get("notProved", ()))
            found.in_config = batching.get("maxRows", 1) == 1 and loaded["capacity"] > 1
        word, sentence = agreement(answers, found.default, self._subject.recorded)
        return Row(Setting("Default", 0, 0), requests=loaded["capacity"], agreement=word, note=sentence)

    @asynccontextmanager
    async def _started(self, group: Group, count: int) -> AsyncIterator[Sequence[Probe]]:
        self._begin(f"{group.backend}, {counted(group.threads, 'thread')}: loading")
        began = time.monotonic()
        probes: list[Probe] = []
        try:
            for _ in range(count):
                probe = await Probe.start(self._options(group), self._subject.allocator)
                probes.append(probe)
            await asyncio.gather(*(probe.ready() for probe in probes))
            self._load_seconds = time.monotonic() - began
            yield probes
        finally:
            for probe in probes:
                await probe.end()

    def _options(self, group: Group) -> ProbeOptions:
        self._probes += 1
        computing = replace(self._subject.computing, backend=group.backend, threads=group.threads)
        return ProbeOptions(str(self._subject.root), computing, str(self._subject.folder / str(self._probes)))

    async def _time(self, settings: Sequence[Setting], probes: Sequence[Probe], outcome: Row, following: int) -> None:
        for number, setting in enumerate(settings):
            self._begin(str(setting))
            runs = len(settings) - number + 2 * following * len(settings)
            seconds = run_seconds(self._left(), runs, _LOADS_OF_A_GROUP * following * self._load_seconds)
            requests = outcome.requests if setting.batched else 1
            figures = await asyncio.gather(*(probe.run(seconds, requests) for probe in probes))
            self.found.rows.append(_timed(replace(outcome, setting=setting, requests=requests), figures))


def _halves(group: Group, *, shared: bool) -> tuple[list[Setting], list[Setting]]:
    """The settings of one worker, and those of several."""
    settings = group.settings(batched=shared)
    alone = [setting for setting in settings if setting.workers == 1]
    return alone, [setting for setting in settings if setting not in alone]


def _timed(row: Row, figures: Sequence[Mapping[str, float]]) -> Row:
    return replace(
        row,
        requests_per_second=sum(one["requests"] / one["seconds"] for one in figures),
        p50_ms=1e3 * max(one["p50"] for one in figures),
        cpu_ms=1e3 * sum(one["cpu"] for one in figures) / sum(one["requests"] for one in figures),
        worker_mib=max(one["mib"] for one in figures),
    )
