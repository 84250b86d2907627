"""The requests that the clients make, learnt without a service: the golden samples of a package."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from paddle_serving_runtime.consistency import Answer
from tipc import asking, hook, processes, reference
from tipc.exchange import Route
from tipc.recorder import Recorder
from tipc.target import TargetError

OF_THE_CALL = ("logid", "clientip", "name", "method")
"""Fields of a request that its answer does not depend on."""


def capture(commands: Mapping[str, Sequence[str]], cwd: Path, log: Path, seconds: float) -> list[bytes]:
    """The requests of all clients, each once. Raises TargetError where no client sends any.

    A client that sends none here will be told so when it meets the service.
    """
    found: list[bytes] = []
    for command in commands.values():
        with Recorder(Route(canned=True), seconds) as recorder:
            environment = recorder.environment(hook.installed(os.environ))
            processes.run(
                command,
                cwd,
                environment,
                log,
                seconds,
                quiet_seconds=asking.QUIET_SECONDS,
                quiet=recorder.silent,
            )
        found += [exchange.body for exchange in recorder.exchanges]
    if not found:
        who = " and ".join(commands)
        raise TargetError(f"{who} sent no request that could be seen: {reference.last_line(log)} (all of it: {log})")
    return unique(found)


def unique(bodies: Iterable[bytes]) -> list[bytes]:
    """The requests without those that ask for the same as an earlier one."""
    return list({_inputs(body): body for body in reversed(list(bodies))}.values())[::-1]


def in_order_of(
    requests: Sequence[bytes], captured: Sequence[bytes], answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """The answers to the captured samples, by the names that the requests have by their order.

    Raises TargetError for a request that was not captured.
    """
    names = {_inputs(body): reference.sample_name(index) for index, body in enumerate(captured)}
    found = {}
    for index, body in enumerate(requests):
        name = names.get(_inputs(body))
        if name not in answers:
            raise TargetError(
                f"request {index} of the client is none of the {len(captured)} that the clients made when the package "
                "was built; a client whose requests change from run to run cannot be compared"
            )
        found[reference.sample_name(index)] = answers[str(name)]
    return found


def _inputs(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name not in OF_THE_CALL and value != []}
    return json.dumps(document, sort_keys=True)
