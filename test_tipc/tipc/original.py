"""What the model was before its conversion: the author's own script, and Paddle Inference on `--dirname`."""

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_serving_runtime.consistency import Answer, Comparison, Tolerance
from tipc import answers, author, interpreters, matrix, processes, reference, runtime
from tipc.answers import AnswerError
from tipc.config import NULL, Config
from tipc.matrix import Combination
from tipc.reference import InferenceError, last_line, sample_name

NOT_ASKED = "not asked"
NOTHING_TO_ASK = f"the repository has no {', no '.join(author.SCRIPTS)}, and no <model>.answers"
HELP_SECONDS = 120.0
EVERY_REQUEST = "of all requests together"
UNCONVERTED = "Paddle Inference on the model before its conversion"


@dataclass(frozen=True)
class AuthorsAnswers:
    """What the author's inference printed for the client's input; `why` says why it was not asked."""

    command: str
    log: str
    why: str = ""


@dataclass
class Original:
    """Asks both, once in a run, and keeps what they said."""

    root: Path
    config: Config
    work: Path
    seconds: float
    _authors: AuthorsAnswers | None = None
    _conversions: dict[tuple[bytes, ...], tuple[Comparison, ...]] = field(default_factory=dict)

    def authors(self) -> AuthorsAnswers:
        """What the author's own inference printed. Raises AnswerError where it fails, ConfigError for a bad file."""
        if self._authors is None:
            self._authors = self._ask_author()
        return self._authors

    def conversion(
        self, combination: Combination, requests: Sequence[bytes], want: Mapping[str, Answer], tolerance: Tolerance
    ) -> tuple[Comparison, ...]:
        """Paddle Inference's answers `want` against the same with the files of `--dirname` in place of the converted.

        Computed for the first combination that sends these requests: what a conversion did to the model does not
        depend on switches. Raises InferenceError, also where the service loads another model than the converted one.
        """
        key = tuple(requests)
        if key not in self._conversions:
            config, package = self.config, self.work / "original"
            reference.package(self.root / config.serving_dir, package, requests)
            for conversion in config.conversions:
                self._put_back(package, dict(conversion))
            service = runtime.service(matrix.script(config, combination), matrix.overrides(config, combination))
            before = reference.computed(package, service, self.work, self.seconds)
            self._require_loaded(set(before.models.values()))
            asked = {sample_name(index): before.answers[sample_name(index)] for index in range(len(requests))}
            self._conversions[key] = against_unconverted(asked, want, tolerance)
        return self._conversions[key]

    def _require_loaded(self, folders: Collection[str]) -> None:
        """That a service answers well with a model of before says nothing about the one that was converted."""
        for conversion in self.config.conversions:
            server = dict(conversion)["--serving_server"]
            if self._inside(server) not in folders:
                raise InferenceError(
                    f"the service loads its model from {', '.join(sorted(folders)) or 'nowhere'} below "
                    f"{self.config.serving_dir}, not from {server}, where the conversion has put it. Name that folder "
                    "in model_config of the service's configuration"
                )

    def _inside(self, server: str) -> str:
        return os.path.relpath((self.root / server).resolve(), (self.root / self.config.serving_dir).resolve())

    def _put_back(self, package: Path, named: Mapping[str, str]) -> None:
        inside = self._inside(named["--serving_server"])
        folder = package / inside
        if inside.startswith("..") or not folder.is_dir():
            raise InferenceError(
                f"--serving_server {named['--serving_server']} is not below serving_dir {self.config.serving_dir}, so "
                "the service cannot have been packed with it"
            )
        for path in folder.iterdir():
            if path.is_file() and path.suffix != ".prototxt":
                path.unlink()
        source = self.root / named["--dirname"]
        chosen = [name for name in (named["--model_filename"], named["--params_filename"]) if name != NULL]
        for name in chosen if len(chosen) > 1 else [path.name for path in source.iterdir() if path.is_file()]:
            shutil.copyfile(source / name, folder / name)

    def _ask_author(self) -> AuthorsAnswers:
        found = author.find(self.root, self.config)
        if found is None:
            return AuthorsAnswers("", "", NOTHING_TO_ASK)
        log = self.work / "author.log"
        if isinstance(found, author.Command):
            command = list(found.words)
        else:
            command = [matrix.first_python(self.config), found.path]
            self._run([*command, "--help"], log, HELP_SECONDS)
            try:
                command += author.arguments(log.read_text(encoding="utf-8", errors="replace"), self.config, self.root)
            except AnswerError as error:
                why = f"{found.path}: {error}; name its command in {author.answers_file(self.config).name}"
                return AuthorsAnswers("", "", why)
        self._run(command, log, self.seconds)
        return AuthorsAnswers(" ".join(command), log.read_text(encoding="utf-8", errors="replace"))

    def _run(self, command: Sequence[str], log: Path, seconds: float) -> None:
        """Raises AnswerError where it does not end with status 0."""
        log.parent.mkdir(parents=True, exist_ok=True)
        status = processes.run(interpreters.replaced(self.config, command), self.root, os.environ, log, seconds)
        if status:
            raise AnswerError(f"{' '.join(command)}: status {status}: {last_line(log)} (all of it: {log})")


def against_author(
    said: AuthorsAnswers, sides: Mapping[str, Sequence[Answer]], tolerance: Tolerance
) -> tuple[Comparison, ...]:
    """Every side's answers, in the order of the requests, against what the author's inference printed.

    Raises AnswerError where it printed none of the outputs, or where the tolerance proves nothing.
    """
    outputs = {name for side in sides.values() for answer in side for name in answer}
    found = author.printed(said.log, outputs)
    if not found:
        raise AnswerError(
            f"{said.command} printed no line with any of {', '.join(sorted(outputs))}; it must print one for each "
            "request, a JSON object or `name: value, ...`"
        )
    comparisons: list[Comparison] = []
    for side, given in sides.items():
        if len(found) == len(given):
            for index, (authors, other) in enumerate(zip(found, given, strict=True)):
                comparisons += author.compared(sample_name(index), authors, other, tolerance, side)
        else:
            # several pictures in a request, or an output on a line of its own
            comparisons += author.compared(EVERY_REQUEST, author.joined(found), author.joined(given), tolerance, side)
    return tuple(comparisons)


def against_unconverted(
    unconverted: Mapping[str, Answer], want: Mapping[str, Answer], tolerance: Tolerance
) -> tuple[Comparison, ...]:
    """Paddle Inference on the converted model against the same on the model before."""
    return tuple(
        comparison
        for sample, answer in unconverted.items()
        for comparison in answers.against_reference(
            sample, want[sample], answer, tolerance, answers.REFERENCE, want_name=UNCONVERTED
        )
    )
