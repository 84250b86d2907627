"""Values of this package as JSON: names in camel case, moments as the API writes them, spans in seconds."""

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def as_json(value: object) -> Any:  # noqa: ANN401 - JSON
    """What json.dumps takes. What is None is left out of objects; JSON has no infinity, so that becomes text."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {_camel(field.name): getattr(value, field.name) for field in fields(value)}
        return {name: as_json(found) for name, found in named.items() if found is not None}
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(MOMENT)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(name): as_json(found) for name, found in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
