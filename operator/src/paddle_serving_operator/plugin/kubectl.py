"""Asks the API server through kubectl: what it may do, how it logs in and which cluster it means are kubectl's own.

The official Python client takes longer to import than kubectl takes to answer, and knows fewer ways to log in.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeAlias

from paddle_serving_operator.plugin.problems import ProblemError, kubectl_error

Json: TypeAlias = dict[str, Any]

ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
LAST_WORDS_SECONDS = 5.0  # a helper that kubectl started may outlive it and keep its stderr open
SAID = ("Error from server", "error:", "Error:", "The connection to the server", "Unable to connect", "The ")


class Kubectl:
    """kubectl with the flags that choose cluster and account. `timeout` is its --request-timeout."""

    def __init__(self, flags: Sequence[str], timeout: str) -> None:
        self._flags = tuple(flags)
        self._timeout = f"--request-timeout={timeout}"

    def get(self, path: str) -> Json:
        """What the API server answers on a path. Raises KubectlError."""
        return self.ask(path).json()

    def ask(self, path: str) -> "Call":
        """The same, without waiting for the answer. Raises ProblemError without kubectl."""
        return Call(self._start(["get", "--raw", path, self._timeout]))

    def put(self, path: str, body: Json) -> Json:
        """Replaces an object; one whose resourceVersion is not the newest is a conflict. Raises KubectlError."""
        call = Call(self._start(["replace", "--raw", path, "-f", "-", self._timeout], stdin=subprocess.PIPE))
        call.send(json.dumps(body))
        return call.json()

    def namespace(self) -> str:
        """The namespace of the context; inside a pod the pod's own."""
        with suppress(ProblemError):
            found = Call(self._start(["config", "view", "--minify", "-o", "jsonpath={..namespace}"])).text()
            return found.strip() or "default"
        with suppress(OSError):
            return ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
        return "default"

    def watch(self, path: str) -> "Watch":
        """A watch that has begun; the caller closes it. Raises ProblemError without kubectl."""
        return Watch(self._start(["get", "--raw", path, "--request-timeout=0"]))

    def _start(self, arguments: Sequence[str], stdin: int | None = None) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                ["kubectl", *arguments, *self._flags],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
        except OSError as error:
            raise ProblemError(
                f"kubectl cannot be started: {error.strerror}. Install it and see that it is on PATH: "
                "https://kubernetes.io/docs/tasks/tools"
            ) from error


def _object(text: str) -> Json:
    """What the API server answered. A proxy or a log-in page in between may answer something else."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    raise ProblemError(
        f"The answer is not from an API server; it begins {text[:60]!r}. See what is between you and the cluster (a "
        "proxy, a log-in page), or choose another with --context."
    )


class Call:
    """A kubectl that was started; it works while nobody waits for it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._words = _Words(process)

    def send(self, text: str) -> None:
        """Gives it all that it reads."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError), self._process.stdin as stdin:  # it has ended already and says why
                stdin.write(text)

    def text(self) -> str:
        """What it prints. Raises KubectlError."""
        try:
            answer = self._process.stdout.read() if self._process.stdout else ""
            status = self._process.wait()
        finally:
            self.end()
        words = self._words.text()
        if status != 0:
            raise kubectl_error(words)
        return answer

    def json(self) -> Json:
        """The same as JSON. Raises ProblemError also where it is none."""
        return _object(self.text())

    def end(self) -> None:
        """Ends it, whatever it does."""
        self._process.kill()
        self._process.wait()


class _Words:
    """What kubectl says on stderr. What is no error goes on at once: a log-in may ask for something there."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._kept: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process.stderr, sys.stderr.write), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Everything that was kept, once kubectl has ended."""
        self._thread.join(LAST_WORDS_SECONDS)
        return "".join(self._kept)

    def _read(self, stream: IO[str], passed_on: Callable[[str], object]) -> None:
        for line in stream:
            if self._kept or line.startswith(SAID):
                self._kept.append(line)
            else:
                passed_on(line)


class Watch:
    """The events of a watch, until the API server ends it or `close` is called, from whichever thread."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._words = _Words(process)
        self._closed = False

    def __iter__(self) -> Iterator[Json]:
        """Raises KubectlError where the watch could not be had, ProblemError where it says what is no event."""
        if self._process.stdout is not None:
            whole = (line for line in self._process.stdout if line.endswith("\n"))
            yield from map(_object, whole)
        if self._process.wait() != 0 and not self._closed:
            raise kubectl_error(self._words.text())

    def close(self) -> None:
        """Ends it at once."""
        self._closed = True
        self._process.kill()
        self._process.wait()
