"""What a user is told when something cannot be done."""

from pathlib import Path

LAST_LINES = 15


class SetupError(Exception):
    """Ends the command with exit status 1. The message says what happened, where, and what to do."""


class CommandError(SetupError):
    """A command of a step ended with a status other than zero; the message has the last lines of the step's log."""

    def __init__(self, command: str, status: int, log: Path) -> None:
        """Reads the end of `log`, because the reason is nearly always there."""
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        shown = "\n".join(f"    {line}" for line in lines)
        super().__init__(f"`{command}` failed with status {status}. The last lines of {log}:\n{shown}")
