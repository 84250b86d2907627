"""One run of a client against a service that answers, with a time of its own."""

import http.client
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tipc import addresses, answers, hook, processes, relay
from tipc.answers import AnswerError
from tipc.exchange import Exchange, Route
from tipc.recorder import Recorder
from tipc.reference import last_line
from tipc.sending import send

QUIET_SECONDS = 30.0
"""A client that has asked nothing after this time will not; imports of a large framework take a third of it."""

REPLAYS = 5
REPLAY_SECONDS = 60.0
SEEN = "it must honour http_proxy, as requests, urllib, curl and gRPC do"


@dataclass(frozen=True)
class Asked:
    """What became of one run of a client. `why` is empty where it exited 0 and the service answered every request."""

    exchanges: tuple[Exchange, ...]
    printed: tuple[bytes, ...]
    why: str


def ask(command: Sequence[str], cwd: Path, route: Route, log: Path, seconds: float) -> Asked:
    """Runs a client, its output into `log` and onto the terminal. A client that asks nothing is ended early."""
    with Recorder(route, seconds) as recorder:
        status = processes.run(
            command,
            cwd,
            recorder.environment(hook.installed(os.environ)),
            log,
            seconds,
            quiet_seconds=QUIET_SECONDS,
            quiet=recorder.silent,
        )
    text = log.read_text(encoding="utf-8", errors="replace")
    print(text, end="" if text.endswith("\n") else "\n", flush=True)
    exchanges = tuple(recorder.exchanges)
    why = trouble(status, None if recorder.silent() else exchanges, log, seconds)
    other = addresses.elsewhere([exchange.url for exchange in exchanges], route.ports)
    return Asked(exchanges, tuple(answers.printed(text)), "; ".join(part for part in (other, why) if part))


def trouble(status: int, exchanges: Sequence[Exchange] | None, log: Path, seconds: float) -> str:
    """What is wrong with a run of a client, as a sentence; empty for nothing. None: it has not even asked."""
    nothing = f"the client sent no request that could be seen ({SEEN})"
    if status == processes.TIME_OVER and exchanges is None:
        return f"{nothing} within {min(seconds, QUIET_SECONDS):g} s, and was ended: {last_line(log)}"
    if status == processes.TIME_OVER:
        return (
            f"the client did not end within {seconds:g} s and was ended; {len(exchanges or ())} of its requests "
            f"had an answer by then. Last line: {last_line(log)}. More time: --client-timeout SECONDS"
        )
    if status != 0:
        also = nothing if exchanges is None else first_error(exchanges)
        return f"exit status {status}: {last_line(log)}" + (f"; {also}" if also else "")
    if exchanges is None:
        return f"{nothing}, so nothing can be compared"
    return first_error(exchanges) if exchanges else "the client ended before its request was answered"


def first_error(exchanges: Sequence[Exchange]) -> str:
    """What the first answer that is none says, empty where all are answers."""
    for exchange in exchanges:
        try:
            answers.from_response(exchange.answer)
        except AnswerError as error:
            return f"{exchange.status} from {exchange.url}: {error}"
    return ""


def measure(exchanges: Sequence[Exchange], route: Route) -> float | None:
    """Milliseconds of the first request sent again, the median of five; None where it was not answered."""
    if not exchanges:
        return None
    seconds = []
    for _ in range(REPLAYS):
        started = time.monotonic()
        if not _again(exchanges[0], route):
            return None
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds) * 1000


def _again(exchange: Exchange, route: Route) -> bool:
    """Sends a request once more; whether there was an answer."""
    if exchange.message:
        parts = urlsplit(exchange.url)
        reply = relay.call(route.grpc_target(parts.netloc), parts.path, exchange.message, REPLAY_SECONDS)
        return reply.status == "OK"
    headers = [("Content-Type", "application/json")]
    try:
        send("POST", exchange.url, route.address, headers, exchange.body, REPLAY_SECONDS)
    except (OSError, http.client.HTTPException):
        return False
    return True
