"""Answers for requests whose worker has died with them."""

import asyncio

from paddle_serving_runtime.front.refusals import LOST
from paddle_serving_runtime.supervisor.launch import WorkerProcess
from paddle_serving_runtime.worker.busy import Owed, OwedAnswer, owed_answers
from paddle_serving_runtime.worker.lifeline import Keeper
from paddle_serving_runtime.worker.refusal import protocol_of_head, refusal
from paddle_serving_runtime.worker.wire import encode


def answer_lost(worker: WorkerProcess) -> int:
    """Gives every request of a worker that has ended its 503, and ends its connections; returns how many it gave.

    Call it when the front sends nothing to the worker any more: a request that came behind it would get no answer.
    """
    keeper = worker.keeper
    asyncio.get_running_loop().remove_reader(keeper.fileno())
    keeper.receive()
    owed = owed_answers(worker.busy_file)
    given = 0
    for slot in keeper.held:
        protocol, asked = _owed_on(keeper, slot, owed.get(slot))
        if protocol is not Owed.NOTHING:
            written = keeper.answer(slot, lost_response(protocol))
            given += written and asked
    keeper.close()
    return given


def _owed_on(keeper: Keeper, slot: int, marked: OwedAnswer | None) -> tuple[Owed, bool]:
    """What to write, and whether a request is known to wait for it."""
    if marked is None or (marked.complete and marked.owed is not Owed.NOTHING):
        # the front sends a request only when it has the answer to the one before: then the mark is a late one
        head = keeper.unread(slot)
        if head:
            return protocol_of_head(head), True
    if marked is None:
        # The worker may have died between reading a request and marking it. Where there is none, the front drops an
        # idle connection on which something comes.
        return Owed.PIPELINE, False
    return marked.owed, marked.owed is not Owed.NOTHING


def lost_response(protocol: Owed) -> bytes:
    """A complete response: 503, or UNAVAILABLE for gRPC."""
    reply = refusal(protocol, LOST.status, LOST.message)
    return b"".join(encode(reply, head_only=False, close=True))
