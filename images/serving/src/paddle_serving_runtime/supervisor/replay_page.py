"""GET /requests: the replay buffer."""

from urllib.parse import parse_qsl

from paddle_serving_runtime.supervisor.pages import Page, refusal
from paddle_serving_runtime.supervisor.replay_buffer import ReplayBuffer

_LINES = "application/x-ndjson"
_LIMIT = "limit"


def requests_page(buffer: ReplayBuffer | None, query: bytes) -> Page:
    """A line of JSON about the sample, and one for each request: see ReplayBuffer.lines."""
    if buffer is None:
        return refusal(404, "no requests are kept here; start with --replay-buffer REQUESTS to keep a sample of them")
    limit = _limit(query, buffer.requests)
    if limit is None:
        return refusal(400, "the query is not limit=<number from 1 up>")
    return Page(200, _LINES, buffer.lines(limit))


def _limit(query: bytes, every: int) -> int | None:
    """How many are wanted, all where nothing is said; None where what is said is no number."""
    fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if not fields:
        return every
    ((name, value), *more) = fields
    if more or name != _LIMIT or not (value.isascii() and value.isdecimal()) or not int(value[:9]):
        return None
    return min(int(value[:9]), every)
