from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.paddle_model.batching import Batching
from paddle_serving_runtime.paddle_model.computing import Computing


@dataclass(frozen=True)
class ProbeOptions:
    """What a process that is timed is told: `folder` is one of its own, for what it writes."""

    model_dir: str
    computing: Computing
    folder: str

    def to_json(self) -> str:
        """The argument for the process."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The options in an argument; raises ValueError or TypeError where it is not one."""
        fields: Mapping[str, Any] = orjson.loads(text)
        return cls(**{**fields, "computing": Computing.from_json(fields["computing"])})

    @property
    def worker(self) -> WorkerOptions:
        """Those of a worker that loads the same, and is never asked over its socket."""
        return WorkerOptions(
            model_dir=self.model_dir,
            name="tune",
            socket="",
            busy_file="",
            report_fd=-1,
            lifeline_fd=-1,
            replay_fd=-1,
            replay_requests=0,
            max_body_bytes=0,
            computing=self.computing,
            batching=Batching.parse("Auto"),
            ledger=f"{self.folder}/ledger",
            log_level="warning",
            engine="direct",
            index=0,
            legacy_status=False,
        )
