"""What can go wrong with the API server, in five kinds, because the caller has five answers."""


class KubeError(Exception):
    """A request to the API server failed. `str()` says which object, which verb and the server's own reason."""


class Conflict(KubeError):  # noqa: N818 - named after the API's own word
    """The object changed meanwhile or exists already: read again and repeat."""


class Expired(Conflict):
    """What the request refers to, such as the place where a list goes on, is too old: begin anew."""


class NotFound(KubeError):  # noqa: N818 - named after the API's own word
    """The object, its namespace or its kind does not exist."""


class Forbidden(KubeError):  # noqa: N818 - named after the API's own word
    """Missing rights, or an admission policy refuses: a person has to act."""


class Invalid(KubeError):  # noqa: N818 - named after the API's own word
    """The API server refuses the content: a person has to correct the spec."""


class Unavailable(KubeError):  # noqa: N818 - named after the API's own word
    """No or a temporary answer: repeat later."""


INVALIDS = (400, 413, 415, 422)
# Server-side apply answers 500 where a field below a typed object is unknown or of another type. It names the field,
# and repeating the request gives the same answer, so this is no outage.
MISTAKES = ("failed to create typed patch object", "field not declared in schema", "failed to create typed live object")


def error_of(status: int | None, message: str) -> KubeError:
    """The error for an HTTP status; None means that there was no answer."""
    if status == 409:  # noqa: PLR2004 - HTTP's own number
        return Conflict(message)
    if status == 410:  # noqa: PLR2004 - HTTP's own number
        return Expired(message)
    if status == 404:  # noqa: PLR2004 - HTTP's own number
        return NotFound(message)
    if status in {401, 403}:
        return Forbidden(message)
    if status in INVALIDS or any(mistake in message for mistake in MISTAKES):
        return Invalid(message)
    return Unavailable(message)
