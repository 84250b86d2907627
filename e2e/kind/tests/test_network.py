import json

import pytest

from e2e.kind import network
from e2e.kind.errors import SetupError
from e2e.kind.network import Range, configuration, parse, script
from e2e.kind.tests.conftest import Calls, Fake

ONE = Range("one", "10.244.0.0/24", "172.18.0.2")
TWO = Range("two", "10.244.1.0/24", "172.18.0.3")


def test_a_node_without_a_range_is_left_out() -> None:
    assert parse("one 10.244.0.0/24 172.18.0.2\ntwo  172.18.0.3\n\n") == [ONE]


def test_a_node_has_routes_to_every_other_and_none_to_itself() -> None:
    routes = [line for line in script(ONE, [ONE, TWO]).splitlines() if line.startswith("ip route")]
    assert routes == ["ip route replace 10.244.1.0/24 via 172.18.0.3"]


def test_pod_addresses_are_hidden_only_outside_the_cluster() -> None:
    assert "-s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE" in script(ONE, [ONE])


def test_addresses_come_from_the_nodes_own_range() -> None:
    bridge = json.loads(configuration(TWO))["plugins"][0]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]


def test_every_node_is_configured(fake: Fake, calls: Calls) -> None:
    fake("docker")
    network.connect(["one", "two"], lambda *_: "one 10.244.0.0/24 172.18.0.2\ntwo 10.244.1.0/24 172.18.0.3\n")
    assert [line.split()[3] for line in calls.of("docker", "exec")] == ["one", "two"]


def test_a_node_that_never_gets_a_range_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "RANGES_WITHIN", 0.1)
    with pytest.raises(SetupError, match=r"Not every node of one, two .*got one: one.*kube-controller-manager"):
        network.connect(["one", "two"], lambda *_: "one 10.244.0.0/24 172.18.0.2\n")
