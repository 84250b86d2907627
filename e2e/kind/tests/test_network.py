import json

import pytest

from e2e.kind import network
from e2e.kind.errors import SetupError
from e2e.kind.network import Range, configuration, parse, script
from e2e.kind.tests.conftest import Calls, Fake

ONE = Range("one", "10.244.0.0/24", "172.18.0.2")
TWO = Range("two", "10.244.1.0/24", "172.18.0.3")


def test_a_node_without_a_range_is_left_out() -> None:
    assert parse("one 10.244.0.0/24\ntwo \n\n") == {"one": "10.244.0.0/24"}


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
    addresses = {"one": ONE.address, "two": TWO.address}
    network.connect(addresses, lambda *_: f"one {ONE.pods}\ntwo {TWO.pods}\n")
    assert [line.split()[3] for line in calls.of("docker", "exec")] == ["one", "two"]


def test_a_node_that_never_gets_a_range_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "RANGES_WITHIN", 0.1)
    with pytest.raises(SetupError, match=r"Not every node of one, two .*got one: one.*kube-controller-manager"):
        network.connect({"one": ONE.address, "two": TWO.address}, lambda *_: f"one {ONE.pods}\n")


def dns(*args: str) -> str:
    if args[0] == "get":
        return "OK"
    return "10.96.0.10" if "service" in args else "coredns-1 coredns-2"


def test_dns_is_reached_from_every_node_by_its_service(fake: Fake, calls: Calls) -> None:
    fake("docker")
    network.await_dns(["one", "two"], dns)
    assert [line.split()[2] for line in calls.of("docker", "exec")] == ["one", "two"]
    assert all(line.endswith("http://10.96.0.10:9153/metrics") for line in calls.lines())


def test_a_node_that_cannot_reach_dns_is_named(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "DNS_WITHIN", 0.1)
    fake("docker", 'if [ "$2" = two ]; then echo "curl: timed out" >&2; exit 28; fi')
    with pytest.raises(SetupError, match=r"DNS does not answer.*two does not reach it \(curl: timed out\)\. Look"):
        network.await_dns(["one", "two"], dns)


def test_stale_conditions_of_a_dns_pod_are_not_believed(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "DNS_WITHIN", 0.1)
    fake("docker")

    def not_ready(*args: str) -> str:
        if args[0] == "get":
            raise SetupError("`kubectl get --raw` failed: 503")
        return dns(*args)

    with pytest.raises(SetupError, match=r"DNS does not answer.*failed: 503"):
        network.await_dns(["one"], not_ready)
