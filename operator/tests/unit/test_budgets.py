from typing import Any

import pytest

from paddle_serving_operator.observe.budgets import budgets_over

LABELS = {"app": "ocr", "tier": "gold"}
DEPLOYMENT = {"spec": {"template": {"metadata": {"labels": LABELS}}}}


def over(selector: object) -> bool:
    budget: dict[str, Any] = {"metadata": {"name": "mine"}, "spec": {"selector": selector}}
    return budgets_over([DEPLOYMENT], [budget]) == ("mine",)


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {"app": "ocr"}},
        {"matchLabels": None, "matchExpressions": None},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "ocr"]}]},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]},
        {"matchExpressions": [{"key": "other", "operator": "NotIn", "values": ["x"]}]},
        {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
        {"matchLabels": {"app": "ocr"}, "matchExpressions": [{"key": "other", "operator": "DoesNotExist"}]},
    ],
)
def test_a_budget_whose_selector_matches_the_pods_covers_them(selector: object) -> None:
    assert over(selector)


@pytest.mark.parametrize(
    "selector",
    [
        None,
        {"matchLabels": {"app": "other"}},
        {"matchLabels": {"app": "ocr", "zone": "a"}},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["ocr"]}]},
        {"matchExpressions": [{"key": "other", "operator": "Exists"}]},
        {"matchLabels": {"app": "ocr"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]},
    ],
)
def test_a_budget_of_other_pods_does_not(selector: object) -> None:
    assert not over(selector)


def test_each_budget_is_named_once_in_order() -> None:
    budgets = [{"metadata": {"name": name}, "spec": {"selector": {}}} for name in ("b", "a")]
    assert budgets_over([DEPLOYMENT, DEPLOYMENT], budgets) == ("a", "b")
    assert budgets_over([], budgets) == ()
