"""Fuzzes one parser with atheris: python -m images.serving.tests.fuzz.one NAME SECONDS FOLDER.

FOLDER keeps the corpus, and gets a file for whatever crashes, hangs for ten seconds or takes too much memory.
"""

import sys
import time
from pathlib import Path

import atheris

INSTRUMENTED = ["paddle_serving_runtime", "yaml", "tarfile", "zipfile", "google.protobuf.text_format"]
EVERY_SECONDS = 10
MAX_BYTES = 16 * 1024

with atheris.instrument_imports(include=INSTRUMENTED):
    from images.serving.tests.fuzz.parsers import PARSERS, Parser


class Target:
    """Calls the parser, and says now and then how far it is."""

    def __init__(self, name: str, parser: Parser, seconds: int) -> None:
        self._name = name
        self._parser = parser
        self._seconds = seconds
        self._calls = self._accepted = 0
        self._started = self._said = time.monotonic()

    def __call__(self, data: bytes) -> None:
        """One execution."""
        self._accepted += self._parser.accepts(data)
        self._calls += 1
        now = time.monotonic()
        if now - self._said >= EVERY_SECONDS:
            self._said = now
            self._say(f"{now - self._started:4.0f} s of {self._seconds} s")

    def _say(self, when: str) -> None:
        sys.stdout.write(f"  {self._name}: {when}, {self._calls} executions, {self._accepted} of them read\n")
        sys.stdout.flush()


def _escaped(word: str) -> str:
    """The word as libFuzzer's dictionaries have it, every byte by its number."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def main() -> None:
    """Does not return: atheris ends the process, with 0 where nothing was found."""
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    parser = PARSERS[name]
    corpus, dictionary = folder / "corpus", folder / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(parser.seeds):
        (corpus / f"seed-{index}").write_bytes(seed)
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in parser.words))
    flags = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", f"-artifact_prefix={folder}/"]
    flags += ["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    if parser.words:
        flags.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], *flags, str(corpus)], Target(name, parser, seconds))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
