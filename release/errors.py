"""What a user is told when something cannot be packed."""


class ReleaseError(Exception):
    """What happened, where, and what to do, in a sentence."""
