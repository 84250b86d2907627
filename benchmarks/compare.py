"""Two installed runtimes in turn on the same requests: CPU per request and requests per second, A B A B.

    python -m benchmarks.compare OTHER/.venv/bin/paddle-serving-runtime --label "before simdjson"

The other one is what a checkout of another commit has installed. Ratios of pairs that were measured one after the other
hold where the machine's speed drifts.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import clients, load, models, payload, raw, servers
from benchmarks.comparison import THIS
from benchmarks.measure import cell, check
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Server

MODELS = ("path", "cls")
PROTOCOLS = (payload.JSON, payload.OIP_BINARY)
CONNECTIONS = (1, 16)
WORKERS = 2


def sides(model: Model, other: Path, label: str) -> tuple[tuple[str, Server], ...]:
    """This checkout's runtime and the other one, by the names that their rows have."""
    this = servers.runtime(model, "direct", WORKERS)
    return (THIS, this), (label, replace(this, command=(str(other), *this.command[1:])))


def measure(name: str, server: Server, model: Model, turn: int, results: Results) -> None:
    """Every cell of one server that is not there yet."""
    cells = {
        f"{name} / {model.name} / {protocol} / {connections} / {turn + 1}": (protocol, connections)
        for protocol in PROTOCOLS
        for connections in CONNECTIONS
    }
    missing = {key: what for key, what in cells.items() if key not in results.rows}
    if not missing:
        return
    expected = raw.expected(model)
    try:
        with servers.running(server, model) as run:
            for key, (protocol, connections) in missing.items():
                check(run, model, protocol, expected)
                row = cell(run, model, protocol, connections, results.settings["seconds"])
                head = {"model": model.name, "protocol": protocol, "connections": connections}
                results.put(key, {"side": name, "turn": turn, **head, **row})
                results.say(f"{key}: {row['cpu_ms']} ms CPU")
    except (servers.ServerError, clients.WrongAnswerError) as error:
        results.fail({"side": name, "model": model.name, "turn": turn}, error)


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("compare", (__doc__ or "").partition("\n")[0])
    parser.add_argument("other", type=Path, help="the program of the other runtime")
    parser.add_argument("--label", required=True, help="what the other one is called in the raw data")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each")
    parser.add_argument("--seconds", type=int, default=3, help="length of one load")
    options = parser.parse_args()
    load.require_tools()
    settings = {"repeat": options.repeat, "seconds": options.seconds, "workers": WORKERS, "other": options.label}
    results = Results("compare", settings, output_of("compare", options), fresh=options.fresh)
    for model in models.prepare(MODELS, WORK / "compare"):
        for turn in range(options.repeat):
            for name, server in sides(model, options.other, options.label):
                measure(name, server, model, turn, results)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
