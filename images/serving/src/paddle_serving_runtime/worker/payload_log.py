"""What was in a sample of the requests, in the log of the worker that has answered them: only where it is asked for."""

import base64
import codecs
import logging

from paddle_serving_runtime.link.request_sample import is_chosen
from paddle_serving_runtime.worker.http import Handler, HttpReply, HttpRequest, Respond

_LOG = logging.getLogger(__name__)
_ID = b"x-request-id"


def logged(handler: Handler, share: float, limit: int) -> Handler:
    """The handler, which also logs the first `limit` bytes of body and answer of a share of the requests.

    Headers, which have keys and addresses, are never logged, and what supervisors ask has no id and is not either.
    """

    def handle(request: HttpRequest, respond: Respond) -> None:
        request_id = request.headers.get(_ID, b"").decode("latin-1")
        if not is_chosen(request_id, share):
            handler(request, respond)
            return
        # taken before the handler has it: the body lies in a buffer that the next request is read into
        asked = _part("request", request.body, limit)

        def answer(reply: HttpReply) -> None:
            respond(reply)
            fields = {"requestId": request_id, **asked, **_part("answer", reply.body, limit)}
            _LOG.info("payload", extra={"fields": fields})

        handler(request, answer)

    return handle


def _part(name: str, body: bytes | bytearray, limit: int) -> dict[str, str | int]:
    """The beginning of a body as text where it is UTF-8, else in base64, and how many bytes it has in all.

    A letter that the limit cuts is left out.
    """
    part = bytes(body[:limit])
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(part, final=len(body) <= limit)
        return {name: text, f"{name}Bytes": len(body)}
    except UnicodeDecodeError:
        return {f"{name}Base64": base64.b64encode(part).decode(), f"{name}Bytes": len(body)}
