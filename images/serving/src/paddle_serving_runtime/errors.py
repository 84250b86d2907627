"""The ways in which the runtime can fail, each with a reason that a machine reads and a sentence for people."""

from typing import ClassVar

from typing_extensions import override

OPERATIONAL_FAILURE = 1


class ServingError(Exception):
    """A failure that ends a command, with what happened, where, and what to do.

    `reason` is the CamelCase word that conditions and termination messages carry; `message` is one paragraph.
    `exit_code` is the exit status of the command: 1 operational, 2 usage, 3 not consistent, 4 the package cannot be
    served, 5 workers crash again and again, 6 a report's signature is bad, 7 a report cannot be read.
    """

    exit_code: ClassVar[int] = OPERATIONAL_FAILURE

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def describe(self) -> str:
        """`Reason: message`, the form of a termination message."""
        return f"{self.reason}: {self.message}"

    @override
    def __str__(self) -> str:
        return self.describe()


class _NamedError(ServingError):
    """A ServingError whose reason is the name of its class."""

    def __init__(self, message: str) -> None:
        super().__init__(type(self).__name__, message)
        self.args = (message,)  # what pickle and copy call the class with


class DigestMismatch(_NamedError):  # noqa: N818 - the names of these classes are the reasons in conditions
    """The files are not the ones that were reviewed: names the expected and the found digest, or the file."""


class ModelUnavailable(_NamedError):  # noqa: N818
    """The source of the model cannot be read: HTTP status, directory missing or empty, archive broken."""


class ModelInvalid(_NamedError):  # noqa: N818
    """The package or its model cannot be loaded: names the file."""

    exit_code: ClassVar[int] = 4


class ServiceBroken(_NamedError):  # noqa: N818
    """web_service.py or config.yml fails: file, line and the error."""

    exit_code: ClassVar[int] = 4


class NotConsistent(_NamedError):  # noqa: N818
    """Two answers that must be equal differ: sample, tensor, element, both values, both sides."""

    exit_code: ClassVar[int] = 3


class NotVerifiable(_NamedError):  # noqa: N818
    """Golden samples or recorded answers are required and not there: what to add."""


class WorkerCrashLoop(_NamedError):  # noqa: N818
    """Workers die as fast as they are started."""

    exit_code: ClassVar[int] = 5


class FrontFailed(_NamedError):  # noqa: N818
    """HAProxy does not start, or dies as fast as it is started."""

    exit_code: ClassVar[int] = 5


class SignatureInvalid(_NamedError):  # noqa: N818
    """A report is not what was signed, is not signed with the key that is asked for, or is not signed at all."""

    exit_code: ClassVar[int] = 6


class ReportUnreadable(_NamedError):  # noqa: N818
    """What should be a report is none that this runtime can judge: cut off, of a later version, with a key twice."""

    exit_code: ClassVar[int] = 7


class InvalidOption(_NamedError):  # noqa: N818
    """A flag or an environment variable that cannot work."""

    exit_code: ClassVar[int] = 2
