"""Names within haproxy.cfg, for its commands and its log."""

BACKEND = "workers"
LONG = "workers-long"
"""The same workers, for gRPC requests that are too long for a buffer; see config.py."""

CONTROL = "control"
CONTROL_GRPC = "control-grpc"
STREAMS = "streams"
HTTP = "http"
GRPC = "grpc"
DRAINING = "draining/flag"
"""A server that stands for nothing: enabling it by the admin socket tells the rules that the pod drains."""


def worker_name(index: int) -> str:
    """The name of a worker's server within the backend."""
    return f"w{index}"


def is_worker(name: str) -> bool:
    """Whether a name in the log is a worker's; where no server was chosen HAProxy has a word in <>."""
    return name[:1] == "w" and name[1:].isdecimal()
