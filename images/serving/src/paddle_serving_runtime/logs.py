"""JSON lines on stdout: {"time", "level", "message", ...fields}."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson
from typing_extensions import override


class JsonFormatter(logging.Formatter):
    """One JSON object for a record; what is passed as extra={"fields": {...}} stands beside the message."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["trace"] = "".join(traceback.format_exception(record.exc_info[1]))
        return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(level: str) -> None:
    """Sends every log record of this process to stdout as JSON. Raises ValueError for a level that does not exist."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    # it announces every start and stop of itself
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
