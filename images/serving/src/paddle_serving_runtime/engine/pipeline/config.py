"""What of config.yml the stock DAG gets to see: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_serving_runtime.errors import ServiceBroken


@dataclass(frozen=True)
class DagConfig:
    """`server` is for the stock DAGExecutor; `retry` its attempts where an Op timed out, which are made around it.

    `worker_num` is the number of requests in flight that the file asks for; `warnings` are sentences about what the
    file asks for and does not get.
    """

    server: Mapping[str, Any]
    worker_num: int
    retry: int
    warnings: tuple[str, ...]


def dag_config(config: Mapping[str, Any]) -> DagConfig:
    """The stock server's configuration without what makes it listen, leak or hang. Raises ServiceBroken."""
    dag = config["dag"]
    if dag["channel_recv_frist_arrive"]:
        raise ServiceBroken(
            "config.yml: dag.channel_recv_frist_arrive drops requests that overtake each other, which then never "
            "end. Remove it."
        )
    warnings = [
        f"{key} in config.yml has no effect with the pipeline engine: {reason}"
        for key, asked, reason in (
            ("build_dag_each_worker", config["build_dag_each_worker"], "--workers says how many copies run."),
            ("dag.channel_size", dag["channel_size"] > 0, "worker_num bounds the channels."),
            ("dag.use_profile", dag["use_profile"], "requests are timed by the metrics of the runtime."),
            ("dag.tracer", dag["tracer"]["interval_s"] > 0, "requests are timed by the metrics of the runtime."),
            ("dag.enable_prometheus", dag.get("enable_prometheus"), "the metrics are on the admin port."),
        )
        if asked
    ]
    server = {
        "worker_num": config["worker_num"],
        "build_dag_each_worker": False,
        "dag": {
            "retry": 1,
            "client_type": "brpc",
            "use_profile": False,
            "channel_size": 0,
            "is_thread_op": dag["is_thread_op"],
            "tracer": {"interval_s": -1},
            "channel_recv_frist_arrive": False,
        },
    }
    return DagConfig(server, config["worker_num"], dag["retry"], tuple(warnings))
