"""The test itself: convert, then every combination of the matrix, every client against it, every answer compared."""

import os
import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.consistency import EXACT, Answer, Comparison, Tolerance, describe
from tipc import answers, matrix, processes
from tipc.answers import AnswerError
from tipc.config import Config
from tipc.matrix import Combination
from tipc.recorder import Exchange, Recorder, Route, send
from tipc.reference import last_line, sample_name
from tipc.results import Row, StatusLog, write_report
from tipc.target import Service, Target, TargetError

OUTPUT = Path("test_tipc/output")
LOG_PATH = "../../test_tipc/output"
CONVERT_SECONDS = 600.0
REPLAYS = 5
PAUSE = 0.5


@dataclass(frozen=True)
class Asked:
    """What became of one run of a client. `why` is empty where it exited 0 and every answer was an answer."""

    exchanges: tuple[Exchange, ...]
    printed: tuple[bytes, ...]
    why: str


def clean(output: Path) -> None:
    """Takes away what an earlier run left, so that nothing in `output` is older than this run."""
    output.mkdir(parents=True, exist_ok=True)
    for path in output.iterdir():
        if path.suffix == ".log":
            path.unlink()
    shutil.rmtree(output / "reference", ignore_errors=True)


def convert(root: Path, config: Config, log: StatusLog) -> bool:
    """Makes the serving model with the first interpreter, in the repository's root."""
    command = matrix.convert_command(config, config.pythons[0])
    output = root / OUTPUT / "convert.log"
    status = processes.run(command, root, os.environ, output, CONVERT_SECONDS)
    why = "" if status == 0 else f"status {status}: {last_line(output)} (all of it: {output})"
    return log.check(status == 0, " ".join(command), why)


class Runner:
    """Runs a configuration against a target; `rows` are the outcomes so far."""

    def __init__(self, root: Path, config: Config, target: Target, log: StatusLog) -> None:
        self._root = root
        self._config = config
        self._target = target
        self._log = log
        self.rows: list[Row] = []

    def run(self) -> None:
        """Every combination; failures are in the status log and in the rows, which are written after each one."""
        for python in self._config.pythons:
            if python == matrix.CPP:
                print("cpp: Paddle Serving's C++ server is not part of this test; skipped", flush=True)
        for combination in matrix.combinations(self._config):
            started = time.monotonic()
            try:
                with self._target.start(combination) as service:
                    self._clients(combination, service)
            except TargetError as error:
                self._log.check(ok=False, command=self._target.command(combination), why=str(error))
                self._add(combination, self._config.clients[0], (), str(error), compared=False)
            write_report(self._root / OUTPUT, self._config.model_name, self.rows)
            print(f"{combination.device} {combination.label}: {time.monotonic() - started:.1f} s", flush=True)

    def _clients(self, combination: Combination, service: Service) -> None:
        for index, client in enumerate(self._config.clients):
            name = matrix.client_log(combination, client)
            log = self._root / OUTPUT / name
            asked = ask(self._root, self._config, combination, client, service.route(), log)
            if index == 0:
                trouble = "" if asked.exchanges else service.trouble()
                if not self._log.check(not trouble, self._target.command(combination), trouble):
                    self._add(combination, client, asked.exchanges, trouble, compared=False)
                    return
            text = matrix.client_text(self._config, combination, client, f"{LOG_PATH}/{name}")
            if self._log.check(not asked.why, text, asked.why):
                self._compare(combination, client, service, asked)
            else:
                self._add(combination, client, asked.exchanges, asked.why, compared=False)

    def _compare(self, combination: Combination, client: str, service: Service, asked: Asked) -> None:
        command = f"compare with Paddle Inference {matrix.client_log(combination, client)}"
        latency = measure(asked.exchanges, service.route())
        try:
            want = service.reference([exchange.body for exchange in asked.exchanges])
            found = compared(asked, want, self._tolerance())
        except (TargetError, AnswerError) as error:
            self._log.check(ok=False, command=command, why=str(error))
            self._add(combination, client, asked.exchanges, str(error), compared=False, latency=latency)
            return
        different = [comparison for comparison in found if not comparison.equal]
        why = describe(different[0]) if different else ""
        self._log.check(not different, command, why)
        self._add(combination, client, asked.exchanges, why, compared=True, latency=latency, found=found)

    def _tolerance(self) -> Tolerance:
        return Tolerance(*self._config.tolerance) if self._config.tolerance else EXACT

    def _add(
        self,
        combination: Combination,
        client: str,
        exchanges: Sequence[Exchange],
        why: str,
        *,
        compared: bool,
        latency: float | None = None,
        found: tuple[Comparison, ...] = (),
    ) -> None:
        config = self._config
        errors = answers.largest_errors(found)
        self.rows.append(
            Row(
                model=config.model_name,
                target=self._target.name,
                device=combination.device,
                client=client,
                batch_size=1,
                tensorrt=matrix.shown(config.tensorrt, combination.tensorrt),
                onednn=matrix.shown(config.onednn, combination.onednn),
                threads=matrix.shown(config.threads, combination.threads),
                precision=matrix.shown(config.precision, combination.precision),
                latency_ms=latency,
                consistent=("no" if why else "yes") if compared else "not compared",
                requests=len(exchanges),
                max_absolute_error=errors["max_absolute_error"] if compared else None,
                max_relative_error=errors["max_relative_error"] if compared else None,
                why=why,
            )
        )


def ask(root: Path, config: Config, combination: Combination, client: str, route: Route, log: Path) -> Asked:
    """Runs a client, again where it gave up before the service had ever answered, until the route's deadline."""
    command = matrix.client_command(config, combination, client)
    while True:
        with Recorder(route) as recorder:
            left = max(route.deadline - time.monotonic(), 1.0)
            environment = recorder.environment(dict(os.environ))
            status = processes.run(command, root / config.serving_dir, environment, log, left)
        exchanges = tuple(recorder.exchanges)
        if status == 0 or exchanges or not route.alive() or time.monotonic() + PAUSE >= route.deadline:
            break
        time.sleep(PAUSE)
    text = log.read_text(encoding="utf-8", errors="replace")
    print(text, end="" if text.endswith("\n") else "\n", flush=True)
    why = "" if status == 0 else f"exit status {status}: {last_line(log)}"
    return Asked(exchanges, tuple(answers.printed(text)), why or first_error(exchanges))


def first_error(exchanges: Sequence[Exchange]) -> str:
    """What the first answer that is none says, empty where all are answers."""
    for exchange in exchanges:
        try:
            answers.from_response(exchange.answer)
        except AnswerError as error:
            return f"HTTP {exchange.status} from {exchange.url}: {error}"
    return ""


def compared(asked: Asked, want: Mapping[str, Answer], tolerance: Tolerance) -> tuple[Comparison, ...]:
    """Every answer, as it came over the wire and as the client printed it, against Paddle Inference.

    Raises AnswerError where the client sent nothing that could be compared, or printed some answers only.
    """
    if not asked.exchanges:
        raise AnswerError(
            "the client sent no request over HTTP that could be seen, so nothing can be compared; "
            "it must honour http_proxy, as requests, urllib and curl do"
        )
    if asked.printed and len(asked.printed) != len(asked.exchanges):
        raise AnswerError(f"the client printed {len(asked.printed)} answers to {len(asked.exchanges)} requests")
    found: list[Comparison] = []
    sides = [("the service", [exchange.answer for exchange in asked.exchanges])]
    if asked.printed:
        sides.append(("the client's output", list(asked.printed)))
    for side, bodies in sides:
        for index, body in enumerate(bodies):
            sample = sample_name(index)
            if sample not in want:
                raise AnswerError(f"Paddle Inference gave no answer to {sample}")
            found += answers.against_reference(sample, answers.from_response(body), want[sample], tolerance, side)
    return tuple(found)


def measure(exchanges: Sequence[Exchange], route: Route) -> float | None:
    """Milliseconds of the first request sent again, the median of five; None where it was not answered."""
    if not exchanges:
        return None
    first, seconds = exchanges[0], []
    for _ in range(REPLAYS):
        started = time.monotonic()
        try:
            send("POST", first.url, route.address, [("Content-Type", "application/json")], first.body, 60)
        except OSError:
            return None
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds) * 1000
