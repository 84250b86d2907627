"""The one line that a worker writes for its supervisor: what it has loaded, or why it cannot."""

from typing import Any

import orjson

from paddle_serving_runtime import errors
from paddle_serving_runtime.errors import ServingError


def loaded_line(loaded: dict[str, Any]) -> bytes:
    """The line of a worker that has loaded its package."""
    return orjson.dumps({"loaded": loaded}) + b"\n"


def failed_line(error: ServingError) -> bytes:
    """The line of a worker that has not."""
    failure = {"reason": error.reason, "message": error.message, "exitCode": error.exit_code}
    return orjson.dumps({"failed": failure}) + b"\n"


def read_line(line: bytes) -> dict[str, Any]:
    """What the worker has loaded. Raises the ServingError of one that has not."""
    told = orjson.loads(line)
    if failure := told.get("failed"):
        raise named_error(failure["reason"], failure["message"])
    loaded: dict[str, Any] = told["loaded"]
    return loaded


def named_error(reason: str, message: str) -> ServingError:
    """The error of a child process as an exception of this one: of the class of its reason where there is one."""
    error_class = getattr(errors, reason, None)
    if isinstance(error_class, type) and issubclass(error_class, ServingError) and error_class is not ServingError:
        return error_class(message)  # type: ignore[call-arg]
    return ServingError(reason, message)
