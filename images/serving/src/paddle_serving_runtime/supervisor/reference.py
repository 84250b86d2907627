"""Waits for the reference process and reads what it found."""

import signal
from asyncio.subprocess import Process
from pathlib import Path

from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.link.report import named_error
from paddle_serving_runtime.reference.report import Reference, read
from paddle_serving_runtime.supervisor.launch import reference_file, reference_message
from paddle_serving_runtime.supervisor.output import Output

REFERENCE_FAILED = "ReferenceFailed"


async def reference_answers(process: Process, output: Output, folder: Path) -> Reference:
    """The reference's answers when its process is done. Raises the ServingError that it ended with."""
    status = await process.wait()
    if status == 0:
        return read(reference_file(folder))
    message_file = reference_message(folder)
    message = message_file.read_text() if message_file.exists() else ""
    reason, separator, text = message.strip().partition(": ")
    if separator:
        raise named_error(reason, text)
    how = f"ended with status {status}" if status > 0 else f"was ended by {signal.Signals(-status).name}"
    raise ServingError(REFERENCE_FAILED, f"The process that computes the reference answers {how}: {output.last_words}")
