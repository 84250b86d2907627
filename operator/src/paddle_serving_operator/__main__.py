"""Starts the operator: `paddle-serving-operator`, settings in the environment (see settings.py)."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import NamedTuple

from kubernetes.config import ConfigException

from paddle_serving_operator import health
from paddle_serving_operator.constants import PADDLE_SERVICE
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.watches import GROUPS, GROUPS_WITH_PAGE, Watches
from paddle_serving_operator.json_logging import start_logging
from paddle_serving_operator.kube.errors import KubeError
from paddle_serving_operator.kube.rest import RestCluster, load_configuration
from paddle_serving_operator.metrics import Metrics
from paddle_serving_operator.observe.audits import Audits
from paddle_serving_operator.observe.mirror import WATCHED_KINDS, Mirror
from paddle_serving_operator.observe.reports import Reports
from paddle_serving_operator.observe.sampling import Sampler
from paddle_serving_operator.observe.showing import Showing
from paddle_serving_operator.reconcile.observer import Observer
from paddle_serving_operator.reconcile.queue import Cause, Queue, Timing
from paddle_serving_operator.reconcile.reconciler import Reconciler
from paddle_serving_operator.reconcile.tally import Tally
from paddle_serving_operator.reconcile.workers import Workers
from paddle_serving_operator.settings import Endpoint, Settings, SettingsError

READERS = 8  # threads that ask pods what they proved; a comparison takes up to a minute of one
REPORT, SAMPLE = Cause("report", "of a pod"), Cause("sample", "of the metrics")
AUDIT = Cause("audit", "of shared runs")
FIRST_LISTS_SECONDS = 15.0
DEFAULT_LIVENESS = "http://0.0.0.0:8080/healthz"


class Shared(NamedTuple):
    """What several parts of the operator have in common."""

    timing: Timing
    queue: Queue
    mirror: Mirror
    metrics: Metrics


def main() -> int:
    """Runs until a signal. Returns the exit code: 0 after a signal, 1 where it cannot start (stderr says why)."""
    timing = Timing(clock=time.monotonic, jitter=random.random)
    queue, mirror = Queue(timing), Mirror(time.monotonic)
    metrics = Metrics(queue, mirror)
    try:
        settings = Settings.from_env(os.environ)
        cluster = RestCluster(load_configuration(), connections=settings.workers, recorder=metrics)
        known = cluster.serves(PADDLE_SERVICE)
    except (SettingsError, KubeError) as error:
        print(error, file=sys.stderr)
        return 1
    except ConfigException as error:
        print(f"No API server: {error}. Run in a pod with a service account, or set KUBECONFIG.", file=sys.stderr)
        return 1
    if not known:
        print(
            f"The cluster does not know {PADDLE_SERVICE.plural}. Install the chart with crds.enabled=true.",
            file=sys.stderr,
        )
        return 1
    start_logging(settings.log_level)
    try:
        run(settings, cluster, Shared(timing, queue, mirror, metrics), os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"LIVENESS_ENDPOINT cannot be served: {error}. Give a free port of this host.", file=sys.stderr)
        return 1
    return 0


def run(settings: Settings, cluster: RestCluster, shared: Shared, env: Mapping[str, str]) -> None:
    """Watches and reconciles until a signal.

    Raises OSError where the health probe's port is taken, SettingsError where the page's is.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    timing, queue, mirror, metrics = shared
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="report")
    reports = Reports(submit=readers.submit, wake=lambda key: queue.add(key, REPORT))
    sampler = Sampler(submit=readers.submit, wake=lambda key: queue.add(key, SAMPLE))
    audits = Audits(submit=readers.submit, wake=lambda key: queue.add(key, AUDIT))
    reconciler = Reconciler(cluster, mirror, settings, Observer(reports, sampler, audits), Tally(metrics))
    workers = Workers(queue, reconciler.reconcile, settings.workers, timing, metrics)
    groups = GROUPS_WITH_PAGE if settings.page else GROUPS
    watches = Watches(settings.namespaces, Hub(mirror, queue), cluster.serves, groups)
    endpoint = env.get("LIVENESS_ENDPOINT") or DEFAULT_LIVENESS
    probe = health.serve(endpoint, lambda: health.check(queue, workers, watches), metrics.text)
    page = serve_page(settings.page, Showing(mirror, watches.scopes)) if settings.page else None
    watches.start()
    # else the first passes would ask the API server for what the watches are about to tell
    mirror.wait([(kind, scope) for kind in WATCHED_KINDS for scope in watches.scopes], FIRST_LISTS_SECONDS)
    workers.start()
    stopped.wait()
    watches.stop()
    workers.stop()
    readers.shutdown(wait=False, cancel_futures=True)
    probe.shutdown()
    if page is not None:
        page.shutdown()


def serve_page(endpoint: Endpoint, showing: Showing) -> ThreadingHTTPServer:
    """The page for people, in threads of its own. Raises SettingsError where its port is taken."""
    from paddle_serving_operator.page import server, site  # noqa: PLC0415 - whoever has no page does without its memory

    made = site.Site(showing, lambda: datetime.now(UTC))
    try:
        return server.serve(endpoint.host, endpoint.port, made.answer)
    except OSError as error:
        raise SettingsError(f"PAGE_ENDPOINT cannot be served: {error}. Give a free port of this host.") from error


if __name__ == "__main__":
    sys.exit(main())
