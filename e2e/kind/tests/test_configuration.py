"""What kind is told of a cluster."""

import json
from pathlib import Path

import pytest
import yaml

from e2e.kind.configuration import AUDIT_LOG, configuration
from e2e.lib.session import OPERATOR_NAMESPACE, RELEASE


@pytest.mark.parametrize("count", [1, 3])
def test_a_single_node_is_a_control_plane_and_more_are_workers(count: int) -> None:
    roles = [node["role"] for node in json.loads(configuration(count, has_network=True))["nodes"]]
    assert roles == ["control-plane", *["worker"] * (count - 1)]


def test_kinds_own_network_is_left_out_only_where_the_image_lacks_it() -> None:
    assert json.loads(configuration(1, has_network=True))["networking"] == {"disableDefaultCNI": False}
    assert json.loads(configuration(1, has_network=True))["featureGates"] == {"ImageVolume": True}
    assert json.loads(configuration(1, has_network=False))["networking"] == {"disableDefaultCNI": True}


def test_the_api_server_notes_the_calls_of_the_operators_account_and_of_nobody_else() -> None:
    told = json.loads(configuration(1, has_network=True))
    (mount,) = told["nodes"][0]["extraMounts"]
    (patch,) = map(json.loads, told["kubeadmConfigPatches"])
    server = patch["apiServer"]
    policy, log = (server["extraArgs"][name] for name in ("audit-policy-file", "audit-log-path"))
    assert log == AUDIT_LOG
    volumes = {volume["mountPath"]: volume for volume in server["extraVolumes"]}
    assert policy == mount["containerPath"] == volumes[policy]["hostPath"]
    assert not volumes[str(Path(log).parent)].get("readOnly")
    rules = yaml.safe_load(Path(mount["hostPath"]).read_text())["rules"]
    noted = [rule for rule in rules if rule["level"] != "None"]
    assert [rule["users"] for rule in noted] == [[f"system:serviceaccount:{OPERATOR_NAMESPACE}:{RELEASE}"]]
    assert rules[-1] == {"level": "None"}
