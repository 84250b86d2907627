"""Which requests the log names. Pure."""

_DIGITS = 8
_NUMBERS = 0x1_0000_0000


def is_chosen(request_id: str, share: float) -> bool:
    """Whether a request is one of a share of all, from 0 to 1.

    Its id is random, and its first digits decide: the front's log, the supervisor's and the workers' name the same
    requests. What has no such id is never chosen.
    """
    try:
        return int(request_id[:_DIGITS], 16) < share * _NUMBERS
    except ValueError:
        return False
