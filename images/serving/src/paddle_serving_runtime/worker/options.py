from dataclasses import asdict, dataclass
from typing import Literal, Self

import orjson

EngineName = Literal["direct", "pipeline"]


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker process is told, as one JSON argument.

    `socket` is the unix socket it answers on, `busy_file` where it marks since when it is busy, `report_fd` the
    write end of a pipe for its one line: {"loaded": {...}} or {"failed": {"reason", "message", "exitCode"}};
    `lifeline_fd` a socket that takes its connections (worker/lifeline.py), -1 for none.
    `overrides` are keys of config.yml with their values. `index` is the worker's number among the workers of the pod;
    `legacy_status` answers every error of the pipeline JSON protocol with HTTP 200, as Paddle Serving does.
    """

    model_dir: str
    name: str
    socket: str
    busy_file: str
    report_fd: int
    lifeline_fd: int
    max_body_bytes: int
    overrides: tuple[tuple[str, str], ...]
    ir_optim: bool
    onednn: bool
    threads: int
    device: str
    log_level: str
    engine: EngineName
    index: int
    legacy_status: bool

    def to_json(self) -> str:
        """The argument for the process."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The options in an argument; raises ValueError or TypeError where it is not one."""
        fields = orjson.loads(text)
        fields["overrides"] = tuple((key, value) for key, value in fields["overrides"])
        return cls(**fields)
