"""Words of messages that depend on a number. Pure."""


def counted(number: int, noun: str) -> str:
    """`1 key`, `2 keys`, `0 keys`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
