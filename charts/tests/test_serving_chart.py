from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from charts.tests.conftest import Golden, Helm, Manifest

CHART_FOLDER = Path(__file__).resolve().parents[1] / "paddle-serving"
CHART = CHART_FOLDER.name
EXAMPLES = CHART_FOLDER.parents[1] / "examples"
SCENARIOS = sorted([*(CHART_FOLDER / "ci").glob("*-values.yaml"), *EXAMPLES.glob("*-values.yaml")])
DEFAULT = CHART_FOLDER / "ci" / "default-values.yaml"


def leaves(schema: Manifest, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Manifest]]:
    """The fields of a structural schema that have no fields of their own, by path."""
    for key, child in schema["properties"].items():
        if "properties" in child:
            yield from leaves(child, (*above, key))
        else:
            yield (*above, key), child


REQUIRED = object()


def at(values: Any, path: tuple[str, ...], missing: object = REQUIRED) -> Any:  # noqa: ANN401 - any value of a tree
    """The value at a path; without `missing` it must be there."""
    for key in path:
        if missing is not REQUIRED and key not in values:
            return missing
        values = values[key]
    return values


@pytest.fixture(scope="module")
def spec_schema(crd: Manifest) -> Manifest:
    schema: Manifest = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


@pytest.fixture(scope="module")
def values() -> Manifest:
    loaded: Manifest = yaml.safe_load((CHART_FOLDER / "values.yaml").read_text())
    return loaded


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda file: file.stem)
def test_what_is_rendered_is_a_valid_paddle_service(helm: Helm, strict_schema: Manifest, scenario: Path) -> None:
    resource = helm.template(CHART, values=scenario).one("PaddleService")
    jsonschema.Draft7Validator(strict_schema).validate(resource)


def test_the_schema_used_here_refuses_unknown_fields(helm: Helm, strict_schema: Manifest) -> None:
    resource = helm.template(CHART, values=DEFAULT).one("PaddleService")
    resource["spec"]["engine"]["wrokers"] = 2
    with pytest.raises(jsonschema.ValidationError, match="wrokers"):
        jsonschema.Draft7Validator(strict_schema).validate(resource)


def test_every_field_of_the_custom_resource_has_a_value(spec_schema: Manifest, values: Manifest) -> None:
    for path, _ in leaves(spec_schema):
        at(values, path)


def test_defaults_are_those_of_the_custom_resource(spec_schema: Manifest, values: Manifest) -> None:
    compared = {path: field["default"] for path, field in leaves(spec_schema) if "default" in field}
    assert len(compared) > 15
    assert {path: at(values, path) for path in compared} == compared


def test_default_values_render_the_reviewed_manifest(helm: Helm, golden: Golden) -> None:
    golden.check(f"{CHART}.yaml", helm.template(CHART, values=DEFAULT))


def test_every_value_reaches_the_custom_resource(helm: Helm, spec_schema: Manifest) -> None:
    file = CHART_FOLDER / "ci" / "full-values.yaml"
    given = yaml.safe_load(file.read_text())
    spec = helm.template(CHART, values=file).one("PaddleService")["spec"]
    # Written as text: quantities and overrides of config.yml.
    given["resources"]["limits"]["cpu"], given["resources"]["requests"]["cpu"] = "4", "0.5"
    given["engine"]["overrides"] = {"op.rec.concurrency": "1", "dag.is_thread_op": "false"}
    wanted = {path: value for path, _ in leaves(spec_schema) if (value := at(given, path, missing=None)) is not None}
    assert len(wanted) > 50
    assert {path: at(spec, path) for path in wanted} == wanted


def test_the_release_name_is_the_name_of_the_service_and_of_the_model(helm: Helm) -> None:
    resource = helm.template(CHART, values=DEFAULT).one("PaddleService")
    assert resource["metadata"]["name"] == "ocr"
    assert resource["metadata"]["namespace"] == "paddle-system"
    assert resource["spec"]["model"]["name"] == "ocr"


def test_automatic_workers_are_left_to_the_runtime(helm: Helm) -> None:
    assert "workers" not in helm.template(CHART, values=DEFAULT).one("PaddleService")["spec"]["engine"]


def test_without_replicas_an_autoscaler_keeps_its_number(helm: Helm) -> None:
    resource = helm.template(CHART, "--set=replicas=null", values=DEFAULT).one("PaddleService")
    assert "replicas" not in resource["spec"]
    stopped = helm.template(CHART, "--set=replicas=0", values=DEFAULT).one("PaddleService")
    assert stopped["spec"]["replicas"] == 0


def test_with_an_autoscaler_of_the_operator_the_chart_gives_no_number(helm: Helm) -> None:
    resource = helm.template(CHART, values=CHART_FOLDER / "ci" / "autoscaling-values.yaml").one("PaddleService")
    assert resource["spec"]["autoscaling"] == {"minReplicas": 2, "maxReplicas": 10, "cpuUtilization": 60}
    assert "replicas" not in resource["spec"]
    assert "annotations" not in resource["metadata"]


def test_an_autoscaler_has_one_goal(helm: Helm) -> None:
    resource = helm.template(CHART, values=CHART_FOLDER / "ci" / "queue-values.yaml").one("PaddleService")
    assert resource["spec"]["autoscaling"] == {"minReplicas": 2, "maxReplicas": 10, "queueSeconds": 0.05}


def test_what_is_not_asked_for_is_left_out(helm: Helm) -> None:
    spec = helm.template(CHART, values=DEFAULT).one("PaddleService")["spec"]
    assert not {"steps", "analysis"} & spec["rollout"].keys()
    assert spec["traffic"] == {"mode": "ReplicaRatio"}
    assert "autoscaling" not in spec
    assert not {"recheckInterval", "signingKeySecret"} & spec["consistency"].keys()


@pytest.mark.parametrize("bound", ["maxErrorRatio", "maxLatencyRatio"])
def test_one_bound_is_an_analysis_and_zero_is_a_bound(helm: Helm, bound: str) -> None:
    canary = ("--set", "rollout.strategy=Canary,rollout.steps[0].weight=20", "--set", f"rollout.analysis.{bound}=0")
    rollout = helm.template(CHART, *canary, values=DEFAULT).one("PaddleService")["spec"]["rollout"]
    assert rollout["analysis"] == {bound: 0, "minRequests": 100, "interval": "10s"}
    assert rollout["steps"] == [{"weight": 20}]


@pytest.mark.parametrize(
    ("written", "mode"), [("Ignore", "Ignore"), ("Off", "Ignore"), ("false", "Ignore"), ("'Off'", "Off")]
)
def test_drift_can_be_switched_off_with_and_without_quotes(helm: Helm, tmp_path: Path, written: str, mode: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(DEFAULT.read_text() + f"\nrollout: {{drift: {{mode: {written}}}}}\n")
    assert helm.template(CHART, values=values).one("PaddleService")["spec"]["rollout"]["drift"]["mode"] == mode


def test_numbers_given_on_the_command_line_become_quantities(helm: Helm) -> None:
    options = ["--set=resources.limits.cpu=4", "--set=resources.limits.memory=8589934592"]
    resource = helm.template(CHART, *options, values=DEFAULT).one("PaddleService")
    assert resource["spec"]["resources"]["limits"] == {"cpu": "4", "memory": "8589934592"}


@pytest.mark.parametrize("given", ["0.25", "1e-5", "1"])
def test_a_tolerance_can_be_given_on_the_command_line(helm: Helm, given: str) -> None:
    options = ["--set=consistency.mode=Tolerance", f"--set=consistency.rtol={given}"]
    resource = helm.template(CHART, *options, values=DEFAULT).one("PaddleService")
    assert resource["spec"]["consistency"]["rtol"] == float(given)


def test_the_limit_of_recorded_tolerances_is_given_or_the_default(helm: Helm) -> None:
    for given, limit in (("0.01", 0.01), ("0", 0.0), ("null", 0.05)):
        resource = helm.template(CHART, f"--set=consistency.maxTolerance={given}", values=DEFAULT).one("PaddleService")
        assert resource["spec"]["consistency"]["maxTolerance"] == limit


def test_without_a_request_there_is_nothing_to_test(helm: Helm) -> None:
    assert [m["kind"] for m in helm.template(CHART, values=DEFAULT)] == ["PaddleService"]


def test_the_test_asks_the_service_of_the_release(helm: Helm) -> None:
    manifests = helm.template(CHART, "--set-json", 'test.request={"key":["x"],"value":["1"]}', values=DEFAULT)
    pod = manifests.one("Pod")
    assert "--url=http://ocr.paddle-system.svc/ocr/prediction" in pod["spec"]["containers"][0]["args"]
    digest = manifests.one("PaddleService")["spec"]["model"]["digest"]
    assert f"--digest={digest}" in pod["spec"]["containers"][0]["args"]
    path = "/apis/serving.paddlepaddle.org/v1alpha1/namespaces/paddle-system/paddleservices/ocr"
    assert f"--resource=https://kubernetes.default.svc{path}" in pod["spec"]["containers"][0]["args"]
    assert "serving.paddlepaddle.org/service" not in pod["metadata"]["labels"]
    assert manifests.one("ConfigMap")["data"]["request.json"] == '{"key":["x"],"value":["1"]}'


def test_the_test_may_read_the_resource_of_the_release_and_nothing_else(helm: Helm) -> None:
    request = ("--set-json", 'test.request={"key":["x"],"value":["1"]}')
    manifests = helm.template(CHART, *request, values=DEFAULT)
    (rule,) = manifests.one("Role")["rules"]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["paddleservices"], ["ocr"], ["get"])
    account = manifests.one("ServiceAccount")["metadata"]["name"]
    assert [subject["name"] for subject in manifests.one("RoleBinding")["subjects"]] == [account]
    assert manifests.one("Pod")["spec"]["serviceAccountName"] == account
    given = helm.template(CHART, *request, "--set=test.serviceAccountName=reader", values=DEFAULT)
    assert given.one("Pod")["spec"]["serviceAccountName"] == "reader"
    assert not {"Role", "RoleBinding", "ServiceAccount"} & {manifest["kind"] for manifest in given}


def test_a_golden_sample_is_sent_as_it_stands(helm: Helm, tmp_path: Path) -> None:
    sample = tmp_path / "hello.json"
    sample.write_text('{"key": ["image"],\n "value": ["aGVsbG8="]}\n')
    manifests = helm.template(CHART, f"--set-file=test.request={sample}", values=DEFAULT)
    assert manifests.one("ConfigMap")["data"]["request.json"] == sample.read_text().strip()


@pytest.mark.parametrize(
    ("options", "image"),
    [
        ([], "paddle-serving-runtime:0.1.0"),
        (["image=registry.example.com/runtime:v2"], "registry.example.com/runtime:v2"),
        (["image=registry.example.com/runtime:v2", "test.image.tag=v3"], "paddle-serving-runtime:v3"),
        (["test.image.tag=v3", f"test.image.digest=sha256:{'0f' * 32}"], f"paddle-serving-runtime@sha256:{'0f' * 32}"),
    ],
)
def test_the_image_that_asks(helm: Helm, options: list[str], image: str) -> None:
    request = ("--set-json", 'test.request={"key":["x"]}')
    pod = helm.template(CHART, *request, *(f"--set={o}" for o in options), values=DEFAULT).one("Pod")
    assert pod["spec"]["containers"][0]["image"] == image


def test_an_account_is_named_or_annotated_and_by_default_neither(helm: Helm) -> None:
    def account(*options: str) -> Manifest:
        resource = helm.template(CHART, *options, values=DEFAULT).one("PaddleService")
        found: Manifest = resource["spec"].get("pod", {}).get("serviceAccount", {})
        return found

    assert account() == {}
    assert account("--set", "pod.serviceAccount.name=models-reader") == {"name": "models-reader"}
    role = "arn:aws:iam::111122223333:role/models"
    annotated = account("--set", f"pod.serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn={role}")
    assert annotated == {"annotations": {"eks.amazonaws.com/role-arn": role}}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1000000", "1000000"),
        ("123456789012", "123456789012"),
        ("-5000000", "-5000000"),
        ("0.00001", "0.00001"),
        ("1234567.5", "1234567.5"),
        ("true", "true"),
        ("'1e6'", "1e6"),
        ("'007'", "007"),
        ("'9007199254740993'", "9007199254740993"),
        ("cuda", "cuda"),
    ],
)
def test_an_override_keeps_its_text(helm: Helm, tmp_path: Path, written: str, text: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(DEFAULT.read_text() + f"\nengine: {{overrides: {{op.rec.x: {written}}}}}\n")
    assert helm.template(CHART, values=values).one("PaddleService")["spec"]["engine"]["overrides"] == {"op.rec.x": text}


def test_an_override_on_the_command_line_keeps_its_text(helm: Helm) -> None:
    resource = helm.template(CHART, "--set", "engine.overrides.op\\.rec\\.x=1000000", values=DEFAULT)
    assert resource.one("PaddleService")["spec"]["engine"]["overrides"] == {"op.rec.x": "1000000"}


def test_a_number_that_helm_cannot_hold_is_refused_with_what_to_do(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(DEFAULT.read_text() + "\nengine: {overrides: {op.rec.x: 9007199254740993}}\n")
    result = helm.run("template", "ocr", str(CHART_FOLDER), "--kube-version", "1.37.0", "--values", str(values))
    assert "Put it in quotes" in result.stderr or '"9007199254740993"' in result.stdout


def test_without_a_number_of_pods_the_field_is_left_out(helm: Helm) -> None:
    resource = helm.template(CHART, "--set", "replicas=null", values=DEFAULT).one("PaddleService")
    assert "replicas" not in resource["spec"]
    assert "annotations" not in resource["metadata"]


@pytest.mark.parametrize("option", ["engine.batching.mode=Off", "engine.batching.mode=false"])
def test_off_is_a_word_and_no_truth_value(helm: Helm, spec_schema: Manifest, option: str) -> None:
    (service,) = helm.template(CHART, "--set", option, values=DEFAULT)
    assert service["spec"]["engine"]["batching"]["mode"] == "Off"
    jsonschema.validate(service["spec"], spec_schema)


def test_a_share_of_a_second_may_be_set_on_the_command_line(helm: Helm, spec_schema: Manifest) -> None:
    option = "autoscaling.maxReplicas=3,autoscaling.queueSeconds=0.05"
    (service,) = helm.template(CHART, "--set", option, values=DEFAULT)
    assert service["spec"]["autoscaling"]["queueSeconds"] == 0.05
    jsonschema.validate(service["spec"], spec_schema)
