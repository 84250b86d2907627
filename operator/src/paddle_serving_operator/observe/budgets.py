"""Which PodDisruptionBudgets of other people cover the pods of a Deployment."""

from collections.abc import Iterable, Mapping
from typing import Any

from paddle_serving_operator.constants import Manifest


def budgets_over(deployments: Iterable[Manifest], budgets: Iterable[Manifest]) -> tuple[str, ...]:
    """The names of the budgets that select pods of any of the Deployments, sorted."""
    pods = [item["spec"]["template"]["metadata"].get("labels") or {} for item in deployments]
    found = {
        budget["metadata"]["name"]
        for budget in budgets
        if any(selects(budget.get("spec", {}).get("selector"), labels) for labels in pods)
    }
    return tuple(sorted(found))


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector of the API matches: an absent one matches nothing, an empty one everything."""
    if selector is None:
        return False
    exact = (labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return all(exact) and all(_holds(item, labels) for item in selector.get("matchExpressions") or ())


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement["key"]), requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
