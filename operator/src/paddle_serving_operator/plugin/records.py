"""Which revision somebody means."""

from paddle_serving_operator.plugin.problems import ProblemError
from paddle_serving_operator.view.history import Record, find
from paddle_serving_operator.view.overview import Overview


def by_name(found: Overview, wanted: str) -> Record:
    """The record of a number or of a name. Raises ProblemError that lists those there are."""
    record = find(found.records, wanted)
    if record is None:
        raise ProblemError(f"{found.service.name} has no revision {wanted} on record. {_known(found)}")
    return record


def newest(found: Overview) -> Record:
    """The record with the highest number. Raises ProblemError where there is none."""
    if not found.records:
        raise ProblemError(f"No revision of {found.service.name} is on record. {_known(found)}")
    return found.records[-1]


def _known(found: Overview) -> str:
    if not found.records:
        return (
            f"The operator records what it starts; `kubectl paddle describe {found.service.name}` says how far it is."
        )
    return f"There is {', '.join(record.title for record in found.records)}."
