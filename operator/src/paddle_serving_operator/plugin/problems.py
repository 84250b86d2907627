"""What can go wrong, each with what to do; and the exit statuses, which scripts depend on."""

import re
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    PROBLEM = 1
    USAGE = 2  # click's own
    FAILED = 3
    TIME_OUT = 4
    INTERRUPTED = 130


class Cause(StrEnum):
    """Why kubectl did not do what it was asked."""

    NO_KIND = "no kind"
    NOT_FOUND = "not found"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"
    OTHER = "other"


class ProblemError(Exception):
    """A command cannot go on. `str()` says what happened and what to do; `code` is the exit status."""

    def __init__(self, sentence: str, code: Exit = Exit.PROBLEM) -> None:
        super().__init__(sentence)
        self.code = code


class KubectlError(ProblemError):
    """The same, told by kubectl."""

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(f"{words.rstrip()} {CURES[cause]}".strip())
        self.cause = cause


CURES = {
    Cause.NO_KIND: "This cluster does not know PaddleService. Install the operator: helm install "
    "paddle-serving-operator charts/paddle-serving-operator -n paddle-system --create-namespace; or choose another "
    "cluster with --context.",
    Cause.NOT_FOUND: "",
    Cause.FORBIDDEN: "Ask whoever runs the cluster for the right that is named, or use another account with --context.",
    Cause.UNAUTHORIZED: "Log in again, or use another account with --context (kubectl config get-contexts lists them).",
    Cause.CONFLICT: "Somebody changed it in the same moment. Look at it, then repeat the command.",
    Cause.INVALID: "",
    Cause.UNREACHABLE: "Start the cluster or its network (VPN, tunnel), or choose another with --context; "
    "`kubectl config current-context` says which one was asked.",
    Cause.OTHER: "",
}

SERVER = re.compile(r"Error from server(?: \((\w+)\))?: (.*)", re.DOTALL)
REASONS = {
    "NotFound": Cause.NOT_FOUND,
    "Forbidden": Cause.FORBIDDEN,
    "Unauthorized": Cause.UNAUTHORIZED,
    "Conflict": Cause.CONFLICT,
    "Invalid": Cause.INVALID,
    "Timeout": Cause.UNREACHABLE,
    "ServiceUnavailable": Cause.UNREACHABLE,
}
WORDS = (
    (
        Cause.UNREACHABLE,
        re.compile(r"The connection to the server|Unable to connect to the server|dial tcp|i/o timeout"),
    ),
    (Cause.UNREACHABLE, re.compile(r"context deadline exceeded|connection reset|Client\.Timeout|unexpected EOF")),
    (Cause.UNAUTHORIZED, re.compile(r"You must be logged in|provide credentials|getting credentials")),
    (Cause.INVALID, re.compile(r'^The \w+ "[^"]*" is invalid')),
)
NO_SUCH_PATH = "the server could not find the requested resource"


def kubectl_error(words: str) -> KubectlError:
    """The error that kubectl's own words stand for."""
    text = words.strip()
    server = SERVER.fullmatch(text)
    if server and server[2].startswith(NO_SUCH_PATH):
        return KubectlError(Cause.NO_KIND, "")
    if server and server[1] in REASONS:
        return KubectlError(REASONS[server[1]], _sentence(server[2]))
    found = next((cause for cause, pattern in WORDS if pattern.search(text)), Cause.OTHER)
    return KubectlError(found, _sentence(text.removeprefix("error: ") or "kubectl failed without a word."))


def _sentence(text: str) -> str:
    """With a full stop, and on one line each."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
