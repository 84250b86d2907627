"""The test itself: convert, then every combination of the matrix, every client against it, every answer compared."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from paddle_serving_runtime.package.manifest import file_digest
from tipc import answers, interpreters, matrix, processes, tolerances
from tipc.answers import AnswerError
from tipc.asking import Asked, ask, measure
from tipc.config import Config
from tipc.devices import Report
from tipc.exchange import Exchange
from tipc.judging import Judgement, judge
from tipc.matrix import Combination
from tipc.naming import file_name
from tipc.original import NOT_ASKED, Original
from tipc.reference import InferenceError, last_line
from tipc.reports import write_report
from tipc.results import FAILED, PASSED, SKIPPED, Row, StatusLog, equality
from tipc.target import Service, Target, TargetError

CONVERT_SECONDS = 600.0
ORIGINAL_SECONDS = 600.0
NO_REPORT = Report()
NO_ERRORS: Mapping[str, float | None] = {"max_absolute_error": None, "max_relative_error": None}
"""Of a row without a comparison."""
LEFT_BEHIND = ("*.log", "report_*", "paddleservice_*.json", "reference_*.json")


def clean(output: Path) -> None:
    """Takes away what an earlier run left, so that nothing in `output` is older than this run."""
    output.mkdir(parents=True, exist_ok=True)
    for pattern in LEFT_BEHIND:
        for path in output.glob(pattern):
            path.unlink()
    shutil.rmtree(output / "reference", ignore_errors=True)


def convert(root: Path, config: Config, log: StatusLog) -> bool:
    """Makes the serving model with the first interpreter, in the repository's root; both where there are two.

    It fails where the conversion changes the model that it reads: nothing would be left to compare with.
    """
    before = {folder: digests(root / folder) for folder in originals(config)}
    for number, command in enumerate(matrix.convert_commands(config, matrix.first_python(config)), start=1):
        output = root / config.output / ("convert.log" if number == 1 else f"convert_{number}.log")
        status = processes.run(interpreters.command(config, command), root, os.environ, output, CONVERT_SECONDS)
        said = f"status {status}: {last_line(output)} (all of it: {output})"
        changed = [folder for folder, content in before.items() if digests(root / folder) != content]
        if changed:
            said = f"it changed {', '.join(changed)}, the model before its conversion; restore it, and write elsewhere"
        if not log.check(status == 0 and not changed, " ".join(command), config.at("trans_model", said)):
            return False
    return True


def originals(config: Config) -> list[str]:
    """The folders of the models before their conversion."""
    return [dict(conversion)["--dirname"] for conversion in config.conversions]


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder, by its name."""
    return {path.name: file_digest(path) for path in folder.iterdir() if path.is_file()}


class Runner:
    """Runs a configuration against a target; `rows` are the outcomes so far."""

    def __init__(self, root: Path, config: Config, target: Target, log: StatusLog, client_seconds: float) -> None:
        self._root = root
        self._config = config
        self._tolerance = tolerances.shown(config.tolerance)
        self._target = target
        self._log = log
        self._client_seconds = client_seconds
        work = root / config.output / "reference" / file_name(config.model_name)
        self._original = Original(root, config, work, ORIGINAL_SECONDS)
        self.rows: list[Row] = []

    def run(self) -> None:
        """Every combination; failures are in the status log and in the rows, which are written after each one."""
        for python in self._config.pythons:
            if python == matrix.CPP:
                print("cpp: Paddle Serving's C++ server is not part of this test; skipped", flush=True)
        for combination in matrix.combinations(self._config):
            started = time.monotonic()
            self._combination(combination)
            write_report(self._root / self._config.output, self._config.model_name, self.rows)
            print(f"{combination.device} {combination.label}: {time.monotonic() - started:.1f} s", flush=True)

    def _combination(self, combination: Combination) -> None:
        command = self._target.command(combination)
        try:
            if lacking := self._target.lacks(combination):
                self._log.skip(command, lacking)
                self._nothing_asked(combination, lacking, status=SKIPPED)
                return
            with self._target.start(combination) as service:
                self._log.check(ok=True, command=command)
                for client in self._config.clients:
                    self._client(combination, client, service)
        except TargetError as error:
            why = self._config.at("web_service", str(error))
            self._log.check(ok=False, command=command, why=why)
            self._nothing_asked(combination, why)

    def not_run(self, why: str) -> None:
        """Rows for all that would have run, with the reason that none did."""
        for combination in matrix.combinations(self._config):
            self._nothing_asked(combination, why)
        write_report(self._root / self._config.output, self._config.model_name, self.rows)

    def _nothing_asked(self, combination: Combination, why: str, status: str = FAILED) -> None:
        for client in self._config.clients:
            self._add(combination, client, (), why, status=status)

    def _client(self, combination: Combination, client: str, service: Service) -> None:
        name = matrix.client_log(combination, client)
        command = interpreters.command(self._config, matrix.client_command(self._config, combination, client))
        directory, output = self._root / self._config.serving_dir, self._root / self._config.output
        asked = ask(command, directory, service.route(), output / name, self._client_seconds)
        troubles = [part for part in (asked.why, service.trouble()) if part]
        why = self._config.at("pipline", f"{client}: {'; '.join(troubles)}") if troubles else ""
        text = matrix.client_text(self._config, combination, client, os.path.relpath(output / name, directory))
        if self._log.check(not why, text, why):
            self._compare(combination, client, service, asked)
        else:
            self._add(combination, client, asked.exchanges, why, report=service.report)

    def _compare(self, combination: Combination, client: str, service: Service, asked: Asked) -> None:
        command = f"compare with Paddle Inference {matrix.client_log(combination, client)}"
        latency = measure(asked.exchanges, service.route())
        try:
            found = judge(self._config, combination, service, self._original, asked)
        except (TargetError, AnswerError, InferenceError) as error:
            self._log.check(ok=False, command=command, why=str(error))
            self._add(combination, client, asked.exchanges, str(error), report=service.report, latency=latency)
            return
        self._log.check(not found.why, command, found.why)
        self._add(combination, client, asked.exchanges, found.why, report=service.report, latency=latency, found=found)

    def _add(
        self,
        combination: Combination,
        client: str,
        exchanges: Sequence[Exchange],
        why: str,
        *,
        report: Report = NO_REPORT,
        status: str = "",
        latency: float | None = None,
        found: Judgement | None = None,
    ) -> None:
        config = self._config
        self.rows.append(
            Row(
                model=config.model_name,
                target=self._target.name,
                asked_device=matrix.asked_device(config, combination) or "-",
                device=report.device or "-",
                backend=report.backend or "-",
                client=client,
                batch_size=1,
                tensorrt=matrix.shown(config.tensorrt, combination.tensorrt),
                onednn=matrix.shown(config.onednn, combination.onednn),
                threads=matrix.shown(config.threads, combination.threads),
                precision=matrix.shown(config.precision, combination.precision),
                latency_ms=latency,
                consistent=equality(self._tolerance, why) if found else "not compared",
                tolerance=self._tolerance,
                author=found.author if found else f"{NOT_ASKED}: nothing was compared",
                printed=found.printed if found else "",
                requests=len(exchanges),
                served=found.served if found else "",
                reference=found.reference if found else "",
                types=found.types if found else "",
                **(answers.largest_errors(found.comparisons) if found else NO_ERRORS),
                status=status or (FAILED if why else PASSED),
                why=why,
            )
        )
