"""Servers and engines that a user would pick instead, beside this project's: same model, cores and input, one run.

The load generators run on the same cores as the servers. This project's server is measured anew before each peer, so
that the two of a pair have the same machine. Every answer is compared with Paddle Inference's before the load.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from benchmarks import load, models, raw
from benchmarks.peers import beside, catalogue, engines, picture
from benchmarks.peers.beside import Bench, Plan
from benchmarks.results import WORK, Results, arguments, output_of

CONNECTIONS = (1, 16)
PLAIN, ENGINE_MODELS = "cls", ("cls", "rec")
START_SECONDS = 180.0


def main() -> int:
    """Measures what is not there yet; exit status 1 where a peer gave no figures."""
    parser = arguments("peers", __doc__ or "")
    parser.add_argument("--seconds", type=int, default=4, help="length of one load")
    parser.add_argument("--repeat", type=int, default=3, help="turns over everything")
    parser.add_argument("--start-seconds", type=float, default=START_SECONDS, help="how long a peer may take to start")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="peers and engines by words in their names"
    )
    parser.add_argument("--serve", default="", metavar="FLAGS", help="of this project's server: '--backend OpenVINO'")
    options = parser.parse_args()
    load.require_tools()
    workers, seconds = os.cpu_count() or 1, 1 if options.quick else options.seconds
    serve = tuple(options.serve.split())
    plan = Plan(seconds, workers, CONNECTIONS, options.start_seconds, WORK / "peers", serve)
    plan.work.mkdir(parents=True, exist_ok=True)
    settings = {"seconds": seconds, "workers": workers, "threads": 1, "model": PLAIN, "serve": serve}
    results = Results("peers", settings, output_of("peers", options), fresh=options.fresh)
    measured = models.prepare(ENGINE_MODELS, plan.work / "models")
    (plain,) = (model for model in measured if model.name == PLAIN)
    answers = raw.expected(plain)
    models.record(plain, answers)
    bench = Bench(plain, picture.prepare(plain, plan.work / "picture"), dict(np.load(answers)))
    peers = [peer for peer in catalogue.peers(plain.files, workers, plan.work) if wanted(peer.name, options.only)]
    alone = [engine for engine in engines.ENGINES if wanted(engine.name, options.only)]
    for turn in range(1 if options.quick else options.repeat):
        for peer in peers:
            # what does not start once is not waited for again
            if not any(row.get("server") == peer.name for row in results.failures):
                beside.measure_pair(peer, turn, bench, plan, results)
        for model in measured:
            for engine in alone:
                engines.measure(engine, model, turn, plan, results)
    return results.finish()


def wanted(name: str, only: list[str]) -> bool:
    """Whether a name is asked for; all are where none is."""
    return not only or any(word.lower() in name.lower() for word in only)


if __name__ == "__main__":
    sys.exit(main())
