"""Starts the operator: `paddle-serving-operator`, settings in the environment (see settings.py)."""

import asyncio
import os
import random
import sys
import time
from collections.abc import Mapping

import kopf
from kubernetes.config import ConfigException

from paddle_serving_operator.constants import FIELD_MANAGER, PADDLE_SERVICE
from paddle_serving_operator.handlers.registry import Memo, make_registry, operator_settings
from paddle_serving_operator.json_logging import start_logging
from paddle_serving_operator.kube.dynamic import DynamicCluster, load_configuration
from paddle_serving_operator.kube.errors import KubeError
from paddle_serving_operator.observe.reports import Reports
from paddle_serving_operator.reconcile.queue import Queue, Timing
from paddle_serving_operator.reconcile.reconciler import Reconciler
from paddle_serving_operator.reconcile.workers import Workers
from paddle_serving_operator.settings import Settings, SettingsError

DEFAULT_LIVENESS = "http://0.0.0.0:8080/healthz"


def main() -> int:
    """Runs until a signal. Returns the exit code: 0 after a signal, 1 where it cannot start (stderr says why)."""
    try:
        settings = Settings.from_env(os.environ)
        cluster = DynamicCluster(load_configuration(), connections=settings.workers)
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
    run(settings, cluster, os.environ)
    return 0


def run(settings: Settings, cluster: DynamicCluster, env: Mapping[str, str]) -> None:
    """Watches and reconciles until a signal."""
    timing = Timing(clock=time.monotonic, jitter=random.random)
    queue = Queue(timing)
    reconciler = Reconciler(cluster, settings.profiles, Reports())
    workers = Workers(queue, reconciler.reconcile, settings.workers, timing)
    workers.start()
    try:
        asyncio.run(
            kopf.operator(
                registry=make_registry(),
                settings=operator_settings(),
                memo=Memo(queue, workers),
                standalone=True,
                # else kopf asks for the user's name, and the image's user has none; the type is private to kopf
                identity=FIELD_MANAGER,  # type: ignore[arg-type]
                clusterwide=not settings.namespaces,
                namespaces=settings.namespaces,
                liveness_endpoint=env.get("LIVENESS_ENDPOINT") or DEFAULT_LIVENESS,
            )
        )
    finally:
        workers.stop()


if __name__ == "__main__":
    sys.exit(main())
