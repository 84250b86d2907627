import json

import pytest

from tipc import answers

RESPONSE = {"err_no": 0, "err_msg": "", "key": ["prob"], "value": ["[0.5]"], "tensors": []}


@pytest.mark.parametrize(
    "log",
    [
        f"{RESPONSE}",
        json.dumps(RESPONSE),
        f"loading\nresult: {RESPONSE}\nin 3 s",
        json.dumps(RESPONSE, indent=2),
        "answer: " + json.dumps(RESPONSE, indent=4) + "\ndone",
        "{'key': ['prob'], 'value': ['[0.5]']}",
    ],
)
def test_a_response_is_recognised_however_a_client_prints_it(log: str) -> None:
    (found,) = answers.printed(log)
    assert answers.from_response(found)["prob"].tolist() == [0.5]


@pytest.mark.parametrize("log", ["", "{}", "{'seconds': 3}", "a {b} c", "{\n  1\n", "} {"])
def test_a_clients_own_text_is_no_response(log: str) -> None:
    assert answers.printed(log) == []
