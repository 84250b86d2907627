"""Log lines as JSON on stdout, as the serving runtime writes them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from typing_extensions import override

EXTRA = ("causes", "writes", "phase")  # attributes of a record that become fields of their own


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, message, logger, the object that it is about, what a pass did."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if key := getattr(record, "key", None):
            fields["object"] = key
        fields |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def start_logging(level: str, stream: TextIO = sys.stdout) -> None:
    """Sends everything to the stream. Lines of kopf below WARNING are left out, unless the level is DEBUG."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        logging.getLogger("kopf").setLevel(logging.WARNING)
    # it warns that signals are none of a thread's business; the main thread has them
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
