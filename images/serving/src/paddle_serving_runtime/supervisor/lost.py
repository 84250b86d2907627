"""Answers for requests whose worker has died with them."""

import asyncio

from paddle_serving_runtime.front.refusals import LOST_STATUS
from paddle_serving_runtime.link.busy import Owed, owed_answers
from paddle_serving_runtime.supervisor.launch import WorkerProcess

LOST_RESPONSE = b"HTTP/1.1 %d Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % LOST_STATUS
"""The front knows the protocol of each request, and makes it a refusal of that protocol.

The worker need not have: it may have died between reading a request and looking at it.
"""


def answer_lost(worker: WorkerProcess) -> int:
    """Answers every request of a worker that has ended; returns how many.

    Call it when the front sends nothing to the worker any more: a request that came behind it would get no answer.
    Then let `keeper.close_when_read` end the connections.
    """
    keeper = worker.keeper
    asyncio.get_running_loop().remove_reader(keeper.fileno())
    keeper.receive()
    owed = owed_answers(worker.busy_file)
    given = 0
    for slot in keeper.held:
        if owed[slot] is Owed.BEGUN:
            continue
        # The worker may have died between reading a request and marking it, so it is answered without a mark, too.
        # Where there is none, the front drops an idle connection on which something comes.
        asked = owed[slot] is Owed.ANSWER or keeper.has_unread(slot)
        given += keeper.answer(slot, LOST_RESPONSE) and asked
    return given + keeper.answer_waiting(LOST_RESPONSE)
